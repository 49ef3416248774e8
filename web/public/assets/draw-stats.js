import { element, markChanged, writeText } from './dom.js';

/** @typedef {import('../../../contract/weekly.ts').WeekStats} WeekStats */
/** @typedef {import('../../../contract/weekly.ts').WeekComparison} WeekComparison */
/** @typedef {import('./formats.js').Formats} Formats */

/** @type {readonly { key: keyof WeekStats, label: string, isRiseGood: boolean }[]} */
const tiles = [
  { key: 'newUploads', label: 'Uploads', isRiseGood: true },
  { key: 'updates', label: 'Updates', isRiseGood: true },
  { key: 'decisions', label: 'Decisions', isRiseGood: true },
  { key: 'completedTasks', label: 'Completed', isRiseGood: true },
  { key: 'contributors', label: 'Contributors', isRiseGood: true },
  { key: 'pendingReviews', label: 'Pending reviews', isRiseGood: false },
];

/** @type {Record<string, string>} */
const reasons = {
  previous_zero: 'There were none then, so there is no percentage.',
  previous_missing: 'There is no number of the week before.',
  period_incomplete: 'The week before is not complete.',
};

/**
 * The six numbers, and how each has changed.
 * @param {Formats} formats
 */
export function createStats(formats) {
  const drawn = tiles.map((tile) => ({
    ...tile,
    value: element('dd', { class: 'value' }, '–'),
    change: element('dd', { class: 'change' }),
  }));
  const basis = element('p', { class: 'note' });
  const list = element('dl', { class: 'tiles' });
  list.append(...drawn.map(({ label, value, change }) => element('div', {}, element('dt', {}, label), value, change)));
  let isFirst = true;
  return {
    node: element('div', { class: 'stats' }, list, basis),
    /** @param {WeekStats} stats */
    showStats: (stats) => {
      for (const { key, value } of drawn) {
        if (writeText(value, formats.number(stats[key])) && !isFirst) markChanged(value);
      }
      isFirst = false;
    },
    /** @param {WeekComparison} comparison */
    showComparison: (comparison) => {
      for (const tile of drawn) drawChange(tile, comparison, formats);
      writeText(basis, describeBasis(comparison, formats));
    },
  };
}

/**
 * @param {{ key: keyof WeekStats, isRiseGood: boolean, change: HTMLElement }} tile
 * @param {WeekComparison} comparison
 * @param {Formats} formats
 */
function drawChange({ key, isRiseGood, change }, comparison, formats) {
  const percent = comparison.change[key];
  const before = formats.number(comparison.previous[key]);
  if (percent === null || percent === undefined) {
    const reason = reasons[comparison.change_reason[key] ?? ''] ?? 'There is nothing to compare with.';
    change.title = reason;
    change.dataset.tone = 'none';
    change.replaceChildren(
      element(
        'span',
        { 'aria-hidden': 'true' },
        comparison.change_reason[key] === 'previous_zero' ? `from ${before}` : '–',
      ),
      element('span', { class: 'unseen' }, `No change in percent. ${reason}`),
    );
    return;
  }
  change.removeAttribute('title');
  change.dataset.tone = toneOf(percent, isRiseGood);
  if (percent === 0) return change.replaceChildren('unchanged');
  change.replaceChildren(
    element('span', { class: 'amount' }, formats.change(percent)),
    element('span', { class: 'before' }, ` from ${before}`),
  );
}

/**
 * @param {number} percent
 * @param {boolean} isRiseGood
 */
function toneOf(percent, isRiseGood) {
  if (percent === 0) return 'none';
  return percent > 0 === isRiseGood ? 'good' : 'bad';
}

/**
 * @param {WeekComparison} comparison
 * @param {Formats} formats
 */
function describeBasis({ comparison: { basis, until, week } }, formats) {
  if (basis === 'full_week') return `Compared with the whole of week ${week}.`;
  return `Compared with the same part of last week, up to ${formats.moment(until)}.`;
}
