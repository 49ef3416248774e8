import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint } from '@almanac/contract/endpoint.ts';

const folder = join(import.meta.dirname, '../../contract');
const modules = await Promise.all(
  readdirSync(folder)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => import(join(folder, name)) as Promise<Record<string, unknown>>),
);

/** Every endpoint that the contract declares. */
export function listEndpoints(): Endpoint[] {
  return modules.flatMap((module) => Object.values(module)).filter(isEndpoint);
}

function isEndpoint(value: unknown): value is Endpoint {
  return typeof value === 'object' && value !== null && 'method' in value && 'path' in value && 'response' in value;
}
