import { element } from './dom.js';

/**
 * What to do where nothing has happened yet.
 * @param {{ slug: string, is_demo: boolean }} organization
 */
export function createEmpty({ slug, is_demo }) {
  const item = {
    kind: 'update',
    title: 'Rewrote the onboarding guide',
    author: 'Ada',
    occurred_at: new Date().toISOString(),
  };
  const command = [
    `curl -X POST ${location.origin}/api/weekly/items \\`,
    `  -H 'X-API-Key: <key>' \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d '${JSON.stringify({ items: [item] })}'`,
  ].join('\n');
  const checkout =
    slug === 'local'
      ? 'Start the server inside a git checkout, and its commits, merges and tags appear here. Or post items yourself:'
      : 'Post items, and they appear here at once:';
  return element(
    'div',
    { class: 'empty' },
    element('h3', {}, 'Nothing has happened this week yet'),
    element('p', {}, is_demo ? 'The generator adds items every few minutes.' : checkout),
    element('pre', {}, element('code', {}, command)),
    element(
      'p',
      {},
      'The key is made under ',
      element('a', { href: '#account/api-keys' }, 'API keys'),
      ', with the scope ',
      element('code', {}, 'weekly:write'),
      '.',
    ),
  );
}
