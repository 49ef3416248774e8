import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint } from '@almanac/contract/endpoint.ts';

/** An endpoint and where the contract declares it. */
export interface EndpointExport {
  /** The file in contract/, such as `weekly.ts`. */
  readonly file: string;
  /** The name it is exported under. */
  readonly name: string;
  readonly endpoint: Endpoint;
}

const folder = join(import.meta.dirname, '../../contract');
const modules = await Promise.all(
  readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map(async (file) => ({ file, exported: (await import(join(folder, file))) as Record<string, unknown> })),
);

/** Every endpoint that the contract declares, with its name and file. */
export function listEndpointExports(): EndpointExport[] {
  return modules.flatMap(({ file, exported }) =>
    Object.entries(exported).flatMap(([name, value]) => (isEndpoint(value) ? [{ file, name, endpoint: value }] : [])),
  );
}

/** Every endpoint that the contract declares. */
export function listEndpoints(): Endpoint[] {
  return listEndpointExports().map(({ endpoint }) => endpoint);
}

function isEndpoint(value: unknown): value is Endpoint {
  return typeof value === 'object' && value !== null && 'method' in value && 'path' in value && 'response' in value;
}
