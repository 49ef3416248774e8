import { isPermitted, type Permission, permissions, roles } from '@almanac/contract/permissions.ts';
import { renderTable } from './render-table.ts';

const introduction = `# Permissions

Who may do what in an organization. \`contract/permissions.ts\` is the source, and this page is made from it by
\`npm run generate\`. *Anonymous* is a request without credentials where anonymous access is on.
`;

/** The page of permissions: a column for each role. */
export function renderPermissions(): string {
  const rows = Object.entries(permissions).map(([name, { anonymous, meaning }]) => [
    `\`${name}\``,
    meaning,
    ...roles.map((role) => (isPermitted(role, name as Permission) ? 'yes' : '')),
    anonymous ? 'yes' : '',
  ]);
  return `${introduction}\n${renderTable(['permission', 'meaning', ...roles, 'anonymous'], rows)}\n`;
}
