import { createApiList } from './api-list.js';
import { element } from './dom.js';
import { reviewsShown } from './draw-lists.js';
import { createProblem, createSkeleton, createWeekSection } from './draw-week.js';
import { followWeek } from './live-week.js';
import { RequestProblem, renewSession, request } from './requests.js';
import { createSessionControl, createSignInNotice } from './sign-in.js';

/** @typedef {import('../../../contract/weekly.ts').WeeklyData} WeeklyData */
/** @typedef {import('./draw-week.js').Organization} Organization */
/** @typedef {import('./live-week.js').LiveState} LiveState */

/** The comparison moves on with the clock also while nothing happens. */
const detailEveryMs = 5 * 60_000;
const detailDelayMs = 250;

/** @param {string} id */
function getPlace(id) {
  const place = document.getElementById(id);
  if (!place) throw new Error(`The page has no #${id}.`);
  return place;
}

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/**
 * @param {string} path
 * @param {string} [organization]
 */
async function readJson(path, organization) {
  const answer = await request(path, organization ? { organization } : {});
  return answer.json();
}

/** @param {string} organization */
async function readDetail(organization) {
  const [{ data: comparison }, pending] = await Promise.all([
    readJson('/api/weekly/stats', organization),
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
        readJson('/api/weekly/summary', organization.id),
        readDetail(organization.id),
      ]);
      showWeek(data);
      view.showDetail(detail);
    } catch (error) {
      if (!shown) view.showProblem(messageOf(error), () => void load());
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

async function openWeeks() {
  const place = getPlace('weeks');
  place.replaceChildren(createSkeleton());
  try {
    /** @type {Organization[]} */
    const organizations = await readJson('/api/organizations');
    getPlace('contents').prepend(
      ...organizations.map(({ slug, name }) => element('li', {}, element('a', { href: `#${slug}` }, name))),
    );
    place.replaceChildren(...organizations.map(openWeek));
  } catch (error) {
    const isSignInNeeded = error instanceof RequestProblem && error.status === 401;
    place.replaceChildren(
      isSignInNeeded ? createSignInNotice() : createProblem(messageOf(error), () => void openWeeks()),
    );
    if (isSignInNeeded) getPlace('session').replaceChildren();
  }
}

async function openApiList() {
  const place = getPlace('endpoints');
  try {
    place.replaceChildren(...createApiList(await readJson('/openapi.json')));
  } catch (error) {
    place.replaceChildren(createProblem(messageOf(error), () => void openApiList()));
  }
}

async function start() {
  await renewSession().catch(() => false);
  getPlace('session').replaceChildren(createSessionControl());
  await Promise.all([openWeeks(), openApiList()]);
}

void start();
