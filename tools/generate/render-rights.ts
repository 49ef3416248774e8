import { type Permission, permissions, roles, ruleOf, scopes } from '@almanac/contract/permissions.ts';
import { entitlements } from '@almanac/contract/tiers.ts';

const lineWidth = 120;

/** The tables of rights and tiers as a module that browsers load: the pages are served as they stand, without a build. */
export function renderRights(): string {
  const table = (Object.keys(permissions) as Permission[]).map((name) => {
    const { leastRole, meaning } = ruleOf(name);
    return [name, { leastRole, isScope: scopes.includes(name), meaning }];
  });
  return `// Made from contract/permissions.ts and contract/tiers.ts by \`npm run generate\`.

/** The roles, the strongest first. */
export const roles = [${roles.map(quote).join(', ')}];

/** What takes which role at least, and whether an API key can be given it. */
export const permissions = ${renderObject(Object.fromEntries(table))};

/** What each tier includes; null for no limit. */
export const tiers = ${renderObject(entitlements)};
`;
}

/** Laid out as Biome does it, so that the generated file passes as it is. */
function renderObject(value: object, indent = ''): string {
  const inner = `${indent}  `;
  const lines = Object.entries(value).map(([key, entry]) => {
    const name = /^\w+$/.test(key) ? key : quote(key);
    const text = renderValue(entry, inner);
    const isLong = !text.includes('\n') && `${inner}${name}: ${text},`.length > lineWidth;
    return `${inner}${name}:${isLong ? `\n${inner}  ` : ' '}${text},`;
  });
  return ['{', ...lines, `${indent}}`].join('\n');
}

function renderValue(value: unknown, indent: string): string {
  if (typeof value === 'object' && value !== null) return renderObject(value, indent);
  return typeof value === 'string' ? quote(value) : String(value);
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
