import { isPermitted, type Permission, permissions, roles } from '@almanac/contract/permissions.ts';
import type { RouteOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inject } from '#testing/inject.ts';
import { listEndpoints } from '#testing/list-endpoints.ts';
import { makeTestApp, type TestApp, type TestOrganization } from '#testing/make-app.ts';

const endpoints = listEndpoints();
const byId = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));

interface Operation {
  operationId?: string;
  description?: string;
}

/** The right that each endpoint asks for, as the running server documents it. */
function readRights(app: TestApp['app']): Map<string, Permission | 'public'> {
  const document = app.swagger() as { paths: Record<string, Record<string, Operation>> };
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  return new Map(
    operations.map(({ operationId = '', description = '' }) => {
      const right = /Needs the right `([^`]+)`\.$/.exec(description)?.[1] as Permission | undefined;
      return [operationId, right ?? 'public'];
    }),
  );
}

let it: TestApp;
let closed: TestApp;
let organization: TestOrganization;
let other: TestOrganization;
let rights: Map<string, Permission | 'public'>;
const headers = new Map<string, Record<string, string>>();

beforeAll(async () => {
  it = await makeTestApp({ config: { ALMANAC_DEMO: true, ANONYMOUS_ACCESS: true } });
  closed = await makeTestApp({ config: { ALMANAC_DEMO: true, ANONYMOUS_ACCESS: false } });
  organization = await it.makeOrganization();
  other = await it.makeOrganization();
  rights = readRights(it.app);
  for (const role of roles) headers.set(role, (await organization.member(role)).headers);
});
afterAll(async () => {
  await it.close();
  await closed.close();
});

const call = ({ app }: TestApp, id: string, sent: Record<string, string>) => {
  const endpoint = byId.get(id);
  if (!endpoint) throw new Error(`No endpoint is called ${id}.`);
  const { method, path, example } = endpoint;
  const params = (example.params ?? {}) as Record<string, string>;
  const url = path.replaceAll(/:(\w+)/g, (_match, name: string) => params[name] ?? 'x');
  // A stream would not end: its parameter is wrong on purpose, which is seen only after the right is.
  const query = endpoint.files?.includes('text/event-stream') ? { after: -1 } : (example.query ?? {});
  return inject(app, {
    method,
    url,
    query: query as Record<string, string>,
    headers: sent,
    ...(example.body === undefined ? {} : { body: example.body as object }),
  });
};
const refusals = [401, 403];
const isLogout = (id: string) => id === 'identity.logout';

test('every endpoint of the contract is bound, and no other', () => {
  expect([...rights.keys()].sort()).toEqual([...byId.keys()].sort());
});

describe.each([...byId.keys()])('%s', (id) => {
  test.each(roles)('answers a member of the role %s as the table says', async (role) => {
    const right = rights.get(id) ?? 'public';
    // Ending the session would end it for the rows that follow.
    const sent = isLogout(id) ? (await organization.member(role)).headers : (headers.get(role) ?? {});
    const { statusCode } = await call(it, id, sent);
    const isAllowed = right === 'public' || isPermitted(role, right);
    if (isAllowed && right !== 'public') expect(refusals).not.toContain(statusCode);
    if (!isAllowed) expect(statusCode).toBe(403);
    expect(statusCode).toBeLessThan(500);
  });

  test('answers the anonymous viewer as the table says, with 401 where that is not enough', async () => {
    const right = rights.get(id) ?? 'public';
    if (right === 'public') return;
    const { statusCode } = await call(it, id, {});
    if (permissions[right].anonymous) expect(refusals).not.toContain(statusCode);
    else expect(statusCode).toBe(401);
  });

  test('asks for credentials where anonymous access is off', async () => {
    const right = rights.get(id) ?? 'public';
    if (right === 'public') return;
    const answer = await call(closed, id, {});
    expect(answer.statusCode).toBe(401);
    expect(answer.json().code ?? answer.json().error.code).toBe('UNAUTHENTICATED');
    expect((await call(closed, id, { authorization: 'Bearer x' })).statusCode).toBe(401);
  });

  test('answers 404 to the owner of one organization who names another', async () => {
    if (rights.get(id) === 'public') return;
    for (const name of [other.id, other.slug]) {
      const { statusCode } = await call(it, id, { ...headers.get('owner'), 'x-organization-id': name });
      expect(statusCode).toBe(404);
    }
  });
});

test('a route that declares no access stops the start', async () => {
  const { default: fastify } = await import('fastify');
  const { keepRouteTable } = await import('#platform/http/route-table.ts');
  const app = fastify();
  keepRouteTable(app);
  const route: RouteOptions = { method: 'GET', url: '/api/open', handler: () => 'open' };
  expect(() => app.route(route)).toThrow(/GET \/api\/open does not declare its access/);
  await app.close();
});
