import { element } from './dom.js';
import { reviewsShown } from './draw-lists.js';
import { createProblem, createSkeleton, createWeekSection } from './draw-week.js';
import { followWeek } from './live-week.js';
import { RequestProblem, renewSession, request, requestJson } from './requests.js';

/** @typedef {import('../../../contract/weekly.ts').WeeklyData} WeeklyData */
/** @typedef {import('./draw-week.js').Organization} Organization */
/** @typedef {import('./live-week.js').LiveState} LiveState */

/** The comparison moves on with the clock also while nothing happens. */
const detailEveryMs = 5 * 60_000;
const detailDelayMs = 250;

/**
 * Shows the running weeks of the organizations one belongs to. Throws where nobody sees them without signing in.
 * @param {{ place: HTMLElement, contents: HTMLElement }} page
 */
export async function openWeeks({ place, contents }) {
  place.replaceChildren(createSkeleton());
  try {
    /** @type {Organization[]} */
    const organizations = await requestJson('/api/organizations');
    contents.prepend(
      ...organizations.map(({ slug, name }) => element('li', {}, element('a', { href: `#${slug}` }, name))),
    );
    place.replaceChildren(...organizations.map(openWeek));
  } catch (error) {
    if (error instanceof RequestProblem && error.status === 401) throw error;
    place.replaceChildren(createProblem(error, () => void openWeeks({ place, contents })));
  }
}

/** @param {string} organization */
async function readDetail(organization) {
  const [{ data: comparison }, pending] = await Promise.all([
    requestJson('/api/weekly/stats', { organization }),
    request(`/api/weekly/pending?limit=${reviewsShown}`, { organization }),
  ]);
  const { data: reviews } = await pending.json();
  return { comparison, reviews, total: Number(pending.headers.get('x-total-count') ?? reviews.length) };
}

/**
 * Shows the running week of one organization and keeps it current.
 * @param {Organization} organization
 */
function openWeek(organization) {
  const view = createWeekSection(organization);
  /** @type {LiveState} */
  let live = 'connecting';
  /** @type {WeeklyData | undefined} */
  let shown;
  /** @type {Date | undefined} */
  let updatedAt;
  let planned = 0;

  const setLive = (/** @type {LiveState} */ state) => {
    live = state;
    view.setMark(live, updatedAt);
  };
  const showWeek = (/** @type {WeeklyData} */ data) => {
    const isOlder = shown && shown.week.start === data.week.start && data.version < shown.version;
    if (isOlder) return;
    shown = data;
    updatedAt = new Date();
    view.showWeek(data);
    view.setMark(live, updatedAt);
  };
  const refreshDetail = () => {
    clearTimeout(planned);
    planned = window.setTimeout(() => {
      readDetail(organization.id).then(view.showDetail, () => live === 'live' && setLive('stale'));
    }, detailDelayMs);
  };
  const load = async () => {
    view.showLoading();
    try {
      const [{ data }, detail] = await Promise.all([
        requestJson('/api/weekly/summary', { organization: organization.id }),
        readDetail(organization.id),
      ]);
      showWeek(data);
      view.showDetail(detail);
    } catch (error) {
      if (!shown) view.showProblem(error, () => void load());
    }
  };

  void load();
  const onWeek = (/** @type {WeeklyData} */ data) => {
    showWeek(data);
    refreshDetail();
  };
  followWeek(organization.id, { onWeek, onState: setLive, renewSession }).catch(() => setLive('offline'));
  setInterval(refreshDetail, detailEveryMs);
  return view.node;
}
