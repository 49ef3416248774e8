import { Session } from '@almanac/contract/identity.ts';
import { type EndpointExport, listEndpointExports } from '../../server/testing/list-endpoints.ts';

const origin = '// Made from contract/ by `npm run generate`.\n';

/** What the client knows of each endpoint at run time: no schema, so that none is in its bundle. */
export function renderClientEndpoints(): string {
  const groups = groupEndpoints().map(([group, endpoints]) => {
    const lines = endpoints.map(({ verb, endpoint }) => `    ${verb}: { ${renderFacts(endpoint)} },`);
    return [`  ${group}: {`, ...lines, '  },'].join('\n');
  });
  return `${origin}
import type { Manifest } from '../endpoint-facts.ts';

export const endpoints = {
${groups.join('\n')}
} as const satisfies Manifest;
`;
}

/** The declarations of the endpoints by group and verb, for the compiler alone. */
export function renderClientTypes(): string {
  const files = [...new Set(listEndpointExports().map(({ file }) => file))].sort();
  const imports = files.map((file) => `import type * as ${nameOf(file)} from '@almanac/contract/${file}';`);
  const groups = groupEndpoints().map(([group, endpoints]) => {
    const lines = endpoints.flatMap(({ verb, file, name, endpoint }) => [
      `    /** ${endpoint.summary}: \`${endpoint.method} ${endpoint.path}\`. */`,
      `    ${verb}: typeof ${nameOf(file)}.${name};`,
    ]);
    return [`  ${group}: {`, ...lines, '  };'].join('\n');
  });
  return `${origin}
${imports.join('\n')}

/** Every endpoint of the contract, by the two parts of its id. */
export interface Endpoints {
${groups.join('\n')}
}
`;
}

interface Member extends EndpointExport {
  readonly verb: string;
}

function groupEndpoints(): [string, Member[]][] {
  const groups = new Map<string, Member[]>();
  for (const found of listEndpointExports()) {
    const [group = '', verb = ''] = found.endpoint.id.split('.');
    groups.set(group, [...(groups.get(group) ?? []), { ...found, verb }]);
  }
  for (const members of groups.values()) members.sort((one, other) => compare(one.verb, other.verb));
  return [...groups].sort(([one], [other]) => compare(one, other));
}

function compare(one: string, other: string): number {
  return one < other ? -1 : 1;
}

function renderFacts(endpoint: EndpointExport['endpoint']): string {
  const { method, path, envelope, files, isIdempotent, takesLines, response } = endpoint;
  const marks = {
    isFile: files !== undefined,
    isIdempotent,
    takesLines,
    opensSession: response === Session,
  };
  const facts = [`method: '${method}'`, `path: '${path}'`, `envelope: '${envelope}'`];
  const set = Object.entries(marks).flatMap(([mark, isSet]) => (isSet ? [`${mark}: true`] : []));
  return [...facts, ...set].join(', ');
}

/** `api-keys.ts` as the name of an import. */
function nameOf(file: string): string {
  return file.replace(/\.ts$/, '').replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
