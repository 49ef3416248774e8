import { isPermitted, type Permission, permissions, roles, ruleOf } from '@almanac/contract/permissions.ts';
import { renderTable } from './render-table.ts';

const introduction = `# Permissions

Who may do what in an organization. \`contract/permissions.ts\` is the source, and this page is made from it by
\`npm run generate\`. *Anonymous* is a request without credentials where anonymous access is on. *API key*: whether a key can
be given the right as a scope; it then counts as far as the role of the key's owner goes. What is of the whole installation
is for its administrators, whatever their role.
`;

/** The page of permissions: a column for each role. */
export function renderPermissions(): string {
  const rows = (Object.keys(permissions) as Permission[]).map((name) => {
    const { anonymous, sessionOnly, instance, meaning } = ruleOf(name);
    return [
      `\`${name}\``,
      meaning,
      ...roles.map((role) => tick(isPermitted(role, name))),
      tick(anonymous),
      tick(!sessionOnly),
      tick(instance),
    ];
  });
  const head = ['permission', 'meaning', ...roles, 'anonymous', 'API key', 'administrator'];
  return `${introduction}\n${renderTable(head, rows)}\n`;
}

function tick(isGiven: boolean | undefined): string {
  return isGiven ? 'yes' : '';
}
