/**
 * Makes an element. Children that are text become text nodes, so nothing given here is ever read as markup.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | undefined>} [attributes] undefined leaves the attribute out
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/**
 * Writes a text where it differs, and says whether it did.
 * @param {Element} target
 * @param {string} text
 */
export function writeText(target, text) {
  if (target.textContent === text) return false;
  target.textContent = text;
  return true;
}

/**
 * Lets an element glow for a moment, to show that it has just changed.
 * @param {Element} target
 */
export function markChanged(target) {
  target.classList.remove('is-changed');
  requestAnimationFrame(() => target.classList.add('is-changed'));
}

/**
 * Makes a list show these items and keeps the rows of those it shows already, so that focus stays where it is.
 * @template Item
 * @param {HTMLElement} list
 * @param {readonly Item[]} items
 * @param {{ keyOf: (item: Item) => string, makeRow: (item: Item) => HTMLElement }} options
 */
export function syncRows(list, items, { keyOf, makeRow }) {
  const rows = /** @type {HTMLElement[]} */ ([...list.children]);
  const known = new Map(rows.map((row) => [row.dataset.key, row]));
  const wanted = items.map((item) => {
    const key = keyOf(item);
    const kept = known.get(key);
    if (kept) return kept;
    const row = makeRow(item);
    row.dataset.key = key;
    if (rows.length > 0) markChanged(row);
    return row;
  });
  for (const row of rows) if (!wanted.includes(row)) row.remove();
  for (const [place, row] of wanted.entries()) {
    if (list.children[place] !== row) list.insertBefore(row, list.children[place] ?? null);
  }
}
