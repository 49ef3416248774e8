import { element } from '../dom.js';
import { createButton, messageOf } from '../forms.js';

/**
 * A list that is read in pages.
 * @template Item
 * @param {{
 *   load: (query: string) => Promise<{ items: Item[], next_cursor: string | null }>,
 *   makeRow: (item: Item) => HTMLElement,
 *   empty: string,
 *   label: string,
 * }} options
 */
export async function createPagedList({ load, makeRow, empty, label }) {
  const rows = element('ul', { class: 'entries', 'aria-label': label });
  const problem = element('p', { class: 'problem', role: 'alert' });
  const node = element('div', {}, rows, problem);
  const add = async (/** @type {string} */ query) => {
    const { items, next_cursor: cursor } = await load(query);
    rows.append(...items.map(makeRow));
    if (cursor === null) return;
    const more = createButton('Show more', () => {
      more.remove();
      add(`?cursor=${encodeURIComponent(cursor)}`).catch((error) => {
        problem.textContent = messageOf(error);
      });
    });
    node.append(more);
  };
  await add('');
  if (rows.childElementCount === 0) return element('p', { class: 'nothing' }, empty);
  return node;
}

/**
 * A row of a list: what it is, what there is to say of it, and what can be done with it.
 * @param {{ title: (Node | string)[], notes: string[], actions?: HTMLElement[] }} row
 */
export function createEntry({ title, notes, actions = [] }) {
  return element(
    'li',
    { class: 'entry' },
    element(
      'div',
      {},
      element('p', { class: 'entry-title' }, ...title),
      ...notes.map((note) => element('p', { class: 'meta' }, note)),
    ),
    element('div', { class: 'choices' }, ...actions),
  );
}

/**
 * A part of a section under a heading of its own.
 * @param {string} title
 * @param {...(Node | string)} content
 */
export function createPart(title, ...content) {
  return element('div', { class: 'part' }, element('h3', {}, title), ...content);
}
