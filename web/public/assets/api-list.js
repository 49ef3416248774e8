import { element } from './dom.js';

/** @typedef {{ operationId?: string, summary?: string, tags?: string[] }} Operation */
/** @typedef {{ method: string, path: string, summary: string, tag: string, href: string }} Endpoint */

/** The order in which a newcomer meets them; other tags follow by name. */
const firstTags = ['Weekly', 'Identity', 'Organizations'];

/**
 * The endpoints of an OpenAPI document, grouped by tag.
 * @param {{ paths: Record<string, Record<string, Operation>> }} document
 */
export function createApiList({ paths }) {
  const endpoints = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => describe(path, method, operation)),
  );
  const groups = Map.groupBy(endpoints, ({ tag }) => tag);
  return [...groups].sort(([a], [b]) => rankOf(a) - rankOf(b) || a.localeCompare(b)).map(createGroup);
}

/**
 * @param {string} path
 * @param {string} method
 * @param {Operation} operation
 * @returns {Endpoint}
 */
function describe(path, method, { operationId = '', summary = '', tags = [] }) {
  const tag = tags[0] ?? 'Other';
  const href = `/docs#/${encodeURIComponent(tag)}/${encodeURIComponent(operationId)}`;
  return { method: method.toUpperCase(), path, summary, tag, href };
}

/** @param {[string, Endpoint[]]} group */
function createGroup([tag, endpoints]) {
  const rows = endpoints.map(({ method, path, summary, href }) =>
    element(
      'li',
      {},
      element('a', { href }, element('span', { class: 'method' }, method), ' ', element('code', {}, path)),
      element('span', { class: 'summary' }, summary),
    ),
  );
  return element('section', {}, element('h3', {}, tag), element('ul', {}, ...rows));
}

/** @param {string} tag */
function rankOf(tag) {
  const rank = firstTags.indexOf(tag);
  return rank < 0 ? firstTags.length : rank;
}
