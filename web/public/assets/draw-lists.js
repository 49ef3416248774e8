import { element, syncRows, writeText } from './dom.js';

/** @typedef {import('../../../contract/weekly.ts').WeeklyData} WeeklyData */
/** @typedef {import('../../../contract/weekly.ts').ListedItem} ListedItem */
/** @typedef {import('../../../contract/weekly.ts').PendingReview} PendingReview */
/** @typedef {import('./formats.js').Formats} Formats */

const itemsShown = 3;
const categoriesShown = 8;
export const reviewsShown = 5;

/** @type {readonly { key: 'uploads' | 'updates' | 'decisions' | 'completed', label: string, none: string }[]} */
const lists = [
  { key: 'completed', label: 'Completed', none: 'Nothing completed yet.' },
  { key: 'updates', label: 'Updates', none: 'No updates yet.' },
  { key: 'uploads', label: 'Uploads', none: 'No uploads yet.' },
  { key: 'decisions', label: 'Decisions', none: 'No decisions yet.' },
];

/**
 * A block with a heading, a list, and a sentence for when the list is empty.
 * @param {{ label: string, none: string, tag?: 'ul' | 'ol' }} options
 */
function createBlock({ label, none, tag = 'ul' }) {
  const count = element('span', { class: 'count' });
  const list = element(tag, { class: 'rows' });
  const nothing = element('p', { class: 'nothing' }, none);
  const node = element('section', { class: 'block' }, element('h3', {}, label, ' ', count), list, nothing);
  /** @param {string} [text] */
  const finish = (text = '') => {
    nothing.hidden = list.children.length > 0;
    writeText(count, text);
  };
  return { node, list, finish };
}

/** What is worth telling of the week. */
export function createHighlights() {
  const { node, list, finish } = createBlock({ label: 'Highlights', none: 'Nothing stands out yet.' });
  node.classList.add('highlights');
  return {
    node,
    /** @param {WeeklyData} data */
    show: ({ highlights }) => {
      syncRows(list, highlights, { keyOf: (text) => text, makeRow: (text) => element('li', {}, text) });
      finish();
    },
  };
}

/**
 * The share of each category.
 * @param {Formats} formats
 */
export function createCategories(formats) {
  const { node, list, finish } = createBlock({ label: 'By category', none: 'No category has anything yet.' });
  node.classList.add('categories');
  return {
    node,
    /** @param {WeeklyData} data */
    show: ({ chartData: { categoryBreakdown } }) => {
      const slices = categoryBreakdown.slice(0, categoriesShown);
      const most = Math.max(...slices.map(({ value }) => value));
      const rows = slices.map(({ name, value, percentage }) => {
        const fill = element('span', { class: 'fill' });
        fill.style.setProperty('width', `${(value / most) * 100}%`);
        const number = element('span', { class: 'number' }, formats.number(value));
        const share = element('span', { class: 'share' }, formats.percent(percentage));
        const track = element('span', { class: 'track', 'aria-hidden': 'true' }, fill);
        return element('li', {}, element('span', { class: 'name' }, name), number, share, track);
      });
      list.replaceChildren(...rows);
      const total = categoryBreakdown.length;
      finish(total > slices.length ? `${formats.number(slices.length)} of ${formats.number(total)}` : '');
    },
  };
}

/**
 * The reviews that have waited longest.
 * @param {Formats} formats
 */
export function createPending(formats) {
  const { node, list, finish } = createBlock({ label: 'Waiting for review', none: 'No review is waiting.', tag: 'ol' });
  return {
    node,
    /**
     * @param {readonly PendingReview[]} reviews oldest first
     * @param {number} total
     */
    show: (reviews, total) => {
      const rows = reviews.map((review) => {
        const waited = element('span', { class: 'meta' }, `${review.author} · waiting ${waitOf(review, formats)}`);
        return element('li', {}, createTitle(review), waited);
      });
      list.replaceChildren(...rows);
      finish(total > 0 ? `${formats.number(reviews.length)} of ${formats.number(total)}` : '');
    },
  };
}

/**
 * The newest items of each kind.
 * @param {Formats} formats
 */
export function createNewest(formats) {
  const blocks = lists.map((entry) => ({ ...entry, block: createBlock(entry) }));
  return {
    node: element('div', { class: 'newest' }, ...blocks.map(({ block }) => block.node)),
    /** @param {WeeklyData} data */
    show: (data) => {
      for (const { key, block } of blocks) {
        const items = data[key].slice(0, itemsShown);
        syncRows(block.list, items, {
          keyOf: (item) => `${item.id} ${item.title} ${item.author} ${item.impact} ${item.occurred_at} ${item.url}`,
          makeRow: (item) => createItem(item, formats),
        });
        const { total } = data.counts[key];
        block.finish(total > 0 ? `${formats.number(items.length)} of ${formats.number(total)}` : '');
      }
    },
  };
}

/**
 * @param {ListedItem} item
 * @param {Formats} formats
 */
function createItem(item, formats) {
  const when = element('time', { datetime: item.occurred_at }, formats.moment(item.occurred_at));
  const meta = element('span', { class: 'meta' }, `${item.author} · ${item.category} · `, when);
  const row = element('li', {}, createTitle(item), meta);
  if (item.impact === 'high') meta.append(element('span', { class: 'impact' }, 'high impact'));
  return row;
}

/**
 * A link where the item has an address of the web, else its title alone.
 * @param {{ title: string, url: string | null }} item
 */
function createTitle({ title, url }) {
  const isWebAddress = url !== null && /^https?:\/\//i.test(url) && URL.canParse(url);
  if (!isWebAddress) return element('span', { class: 'title' }, title);
  return element('a', { class: 'title', href: url, rel: 'noopener noreferrer' }, title);
}

/**
 * @param {PendingReview} review
 * @param {Formats} formats
 */
function waitOf({ waitingHours }, formats) {
  return waitingHours < 1 ? 'less than an hour' : formats.duration(waitingHours);
}
