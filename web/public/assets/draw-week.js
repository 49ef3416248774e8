import { element, writeText } from './dom.js';
import { createActivity } from './draw-activity.js';
import { createEmpty } from './draw-empty.js';
import { createCategories, createHighlights, createNewest, createPending } from './draw-lists.js';
import { createStats } from './draw-stats.js';
import { createFormats } from './formats.js';
import { createButton, messageOf } from './forms.js';
import { RequestProblem } from './requests.js';

/** @typedef {import('../../../contract/weekly.ts').WeeklyData} WeeklyData */
/** @typedef {import('../../../contract/weekly.ts').WeekComparison} WeekComparison */
/** @typedef {import('../../../contract/weekly.ts').PendingReview} PendingReview */
/** @typedef {import('./live-week.js').LiveState} LiveState */
/** @typedef {{ id: string, slug: string, name: string, timezone: string, role: string, is_demo: boolean }} Organization */
/** @typedef {ReturnType<typeof createWeekSection>} WeekSection */

/** @type {Record<LiveState, string>} */
const marks = {
  connecting: 'Connecting',
  live: 'Live',
  stale: 'Stale',
  offline: 'Offline, connecting again',
};

/**
 * The section of one organization's running week.
 * @param {Organization} organization
 */
export function createWeekSection(organization) {
  const formats = createFormats(organization.timezone);
  const heading = createHeading(organization, formats);
  const stats = createStats(formats);
  const parts = [createActivity(formats), createCategories(formats), createHighlights(), createNewest(formats)];
  const pending = createPending(formats);
  const [activity, categories, highlights, newest] = parts.map(({ node }) => node);
  const body = element('div', { class: 'week-body' });
  if (activity && categories && highlights && newest) {
    body.append(activity, categories, highlights, pending.node, newest);
  }
  const empty = createEmpty(organization);
  const state = element('div', { class: 'week-state' }, createSkeleton());
  const node = element(
    'section',
    { class: 'week', id: organization.slug, 'aria-labelledby': `title-${organization.id}` },
    heading.node,
    state,
  );
  return {
    node,
    setMark: heading.setMark,
    /** @param {WeeklyData} data */
    showWeek: (data) => {
      formats.follow(data.week.timezone);
      heading.showWeek(data);
      stats.showStats(data.stats);
      for (const part of parts) part.show(data);
      empty.hidden = !hasNothing(data);
      body.hidden = hasNothing(data);
      if (!state.contains(body)) state.replaceChildren(stats.node, empty, body);
    },
    /** @param {{ comparison: WeekComparison, reviews: readonly PendingReview[], total: number }} detail */
    showDetail: ({ comparison, reviews, total }) => {
      stats.showComparison(comparison);
      pending.show(reviews, total);
    },
    showLoading: () => state.replaceChildren(createSkeleton()),
    /**
     * @param {unknown} error
     * @param {() => void} retry
     */
    showProblem: (error, retry) => state.replaceChildren(createProblem(error, retry)),
  };
}

/**
 * What went wrong, and a button that tries again.
 * @param {unknown} error
 * @param {() => void} retry
 */
export function createProblem(error, retry) {
  const needsSetup = error instanceof RequestProblem && error.code === 'MFA_SETUP_REQUIRED';
  const setUp = element('a', { href: '#account/second-factor' }, 'Set up a second factor');
  const wayOn = needsSetup ? setUp : createButton('Try again', retry);
  return element('div', { class: 'notice', role: 'alert' }, element('p', {}, messageOf(error)), wayOn);
}

/** Stands where the numbers will be. */
export function createSkeleton() {
  const tiles = Array.from({ length: 6 }, () => element('span', { class: 'bone tile' }));
  return element(
    'div',
    { class: 'skeleton', role: 'status' },
    element('span', { class: 'unseen' }, 'Loading the week'),
    element('div', { class: 'bones', 'aria-hidden': 'true' }, ...tiles),
    element('span', { class: 'bone chart', 'aria-hidden': 'true' }),
  );
}

/**
 * @param {Organization} organization
 * @param {import('./formats.js').Formats} formats
 */
function createHeading(organization, formats) {
  const period = element('p', { class: 'period' }, 'This week');
  const mark = element('span', { class: 'mark', role: 'status' }, marks.connecting);
  const time = element('span', { class: 'updated' });
  const title = element('h2', { id: `title-${organization.id}` }, organization.name);
  const demo = element(
    'p',
    { class: 'demo' },
    'Demo data: these items are generated, no real team stands behind them.',
  );
  demo.hidden = !organization.is_demo;
  const node = element(
    'div',
    { class: 'week-head' },
    element('div', {}, title, period, demo),
    element('p', { class: 'live' }, mark, time),
  );
  return {
    node,
    /** @param {WeeklyData} data */
    showWeek: (data) => {
      writeText(period, `${formats.period(data.week)} · week ${data.week.id} · ${data.week.timezone}`);
      demo.hidden = !data.demo;
    },
    /**
     * @param {LiveState} live
     * @param {Date | undefined} updatedAt when the numbers shown came
     */
    setMark: (live, updatedAt) => {
      mark.dataset.live = live;
      writeText(mark, marks[live]);
      writeText(time, updatedAt ? `updated ${formats.second(updatedAt)}` : '');
    },
  };
}

/** @param {WeeklyData} data */
function hasNothing({ counts }) {
  return Object.values(counts).every(({ total }) => total === 0);
}
