import { isPermitted, type Permission, permissions, roles, ruleOf, scopes } from '@almanac/contract/permissions.ts';
import type { RouteOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { inject } from '#testing/inject.ts';
import { listEndpoints } from '#testing/list-endpoints.ts';
import { makeTestApp, type TestApp, type TestMember, type TestOrganization } from '#testing/make-app.ts';
import { actAs } from '#testing/tenant-scene.ts';

const endpoints = listEndpoints();
const byId = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));

interface Operation {
  operationId?: string;
  description?: string;
  security?: Record<string, string[]>[];
}

function readOperations({ app }: TestApp): Operation[] {
  const document = app.swagger() as { paths: Record<string, Record<string, Operation>> };
  return Object.values(document.paths).flatMap((path) => Object.values(path));
}

/** The right that each endpoint asks for, as the running server documents it. */
function readRights(app: TestApp): Map<string, Permission | 'public'> {
  return new Map(
    readOperations(app).map(({ operationId = '', description = '' }) => {
      const right = /Needs the right `([^`]+)`\.$/.exec(description)?.[1] as Permission | undefined;
      return [operationId, right ?? 'public'];
    }),
  );
}

/** What ends the caller's session, membership or account: each call is made by a member of its own. */
const ending = [
  'identity.logout',
  'identity.changePassword',
  'members.leave',
  'privacy.deleteAccount',
  'organizations.create',
];
/** Bodies that the least role of the right may send; the examples are an owner's. */
const bodies: Record<string, object> = {
  'members.add': { email: 'nobody@example.org', role: 'viewer' },
  'members.invite': { email: 'nobody@example.org', role: 'viewer' },
  'members.update': { role: 'member' },
};

let it: TestApp;
let closed: TestApp;
let admin: TestMember;
let organization: TestOrganization;
let other: TestOrganization;
let target: TestMember;
let rights: Map<string, Permission | 'public'>;
/** Members of each role, whose accounts are of the type that may do most. */
const headers = new Map<string, Record<string, string>>();
const keys = new Map<string, string>();

beforeAll(async () => {
  it = await makeTestApp({ ownsDatabase: true, config: { ALMANAC_DEMO: true, ANONYMOUS_ACCESS: true } });
  closed = await makeTestApp({ ownsDatabase: true, config: { ALMANAC_DEMO: true, ANONYMOUS_ACCESS: false } });
  other = await it.makeOrganization();
  // The first account of the installation administers it; nobody else here does.
  admin = await other.member('viewer', 'tenant');
  organization = await it.makeOrganization();
  target = await organization.member('viewer');
  rights = readRights(it);
  for (const role of roles) headers.set(role, (await organization.member(role, 'tenant')).headers);
  for (const [name, granted] of [
    ['every scope', scopes],
    ['one scope', ['profile:read']],
  ] as const) {
    const body = { name, scopes: granted };
    const made = await inject(it.app, {
      method: 'POST',
      url: '/auth/api-keys',
      headers: headers.get('owner') ?? {},
      body,
    });
    keys.set(name, made.json().key);
  }
});
afterAll(async () => {
  await it.close();
  await closed.close();
});

interface Call {
  id: string;
  headers: Record<string, string>;
  /** Instead of the organization that the others of the file act in. */
  within?: string;
  params?: Record<string, string>;
}

const call = ({ app }: TestApp, { id, headers: sent, within = organization.id, params = {} }: Call) => {
  const endpoint = byId.get(id);
  if (!endpoint) throw new Error(`No endpoint is called ${id}.`);
  const { method, path, example, organizationParam } = endpoint;
  const named: Record<string, string> = {
    ...((example.params ?? {}) as Record<string, string>),
    user_id: target.userId,
    ...(organizationParam ? { [organizationParam]: within } : {}),
    ...params,
  };
  const url = path.replaceAll(/:(\w+)/g, (_match, name: string) => named[name] ?? 'x');
  // A stream would not end: its parameter is wrong on purpose, which is seen only after the right is.
  const query = endpoint.files?.includes('text/event-stream') ? { after: -1 } : (example.query ?? {});
  const body = bodies[id] ?? (example.body as object | undefined);
  return inject(app, {
    method,
    url,
    query: query as Record<string, string>,
    headers: sent,
    ...(body === undefined ? {} : { body }),
  });
};
const refusals = [401, 403];
/** Refused for another reason than the right: a wrong password or token, say. */
const isRefused = ({ statusCode, body }: { statusCode: number; body: string }) =>
  refusals.includes(statusCode) && !/INVALID_CREDENTIALS|TIER_LIMIT/.test(body);

test('every endpoint of the contract is bound, and no other', () => {
  expect([...rights.keys()].sort()).toEqual([...byId.keys()].sort());
});

test('the rights that a key can have are those that take no signed-in person', () => {
  expect(scopes).toEqual(Object.keys(permissions).filter((name) => !ruleOf(name as Permission).sessionOnly));
  expect(scopes).not.toContain('account:write');
});

describe.each([...byId.keys()])('%s', (id) => {
  test.each(roles)('answers a member of the role %s as the table says', async (role) => {
    const right = rights.get(id) ?? 'public';
    const sent = ending.includes(id) ? (await organization.member(role)).headers : (headers.get(role) ?? {});
    const answer = await call(it, { id, headers: sent });
    const isAllowed = right === 'public' || isPermitted(role, right);
    if (isAllowed && right !== 'public') expect(isRefused(answer), answer.body).toBe(false);
    if (!isAllowed) expect(answer.statusCode).toBe(403);
    expect(answer.statusCode).toBeLessThan(500);
  });

  test.skipIf(ending.includes(id))(
    'answers an administrator of the installation what is of the installation, and else what their role is given',
    async () => {
      const right = rights.get(id) ?? 'public';
      const answer = await call(it, { id, headers: admin.headers, within: other.id });
      const isAllowed = right === 'public' || ruleOf(right).instance || isPermitted('viewer', right);
      if (isAllowed && right !== 'public') expect(isRefused(answer), answer.body).toBe(false);
      if (!isAllowed) expect(answer.statusCode).toBe(403);
    },
  );

  test('answers a member whose account is of another type than the right is for as the table says', async () => {
    const right = rights.get(id) ?? 'public';
    if (right === 'public' || ruleOf(right).accountType === undefined) return;
    const { headers: sent } = await organization.member('owner', 'standard');
    expect((await call(it, { id, headers: sent })).statusCode).toBe(403);
  });

  test('answers an API key as far as its scopes go', async () => {
    const right = rights.get(id) ?? 'public';
    if (right === 'public') return;
    const every = await call(it, { id, headers: { 'x-api-key': keys.get('every scope') ?? '' } });
    if (ruleOf(right).sessionOnly) expect(every.statusCode).toBe(403);
    else expect(isRefused(every), every.body).toBe(false);
    const one = await call(it, { id, headers: { 'x-api-key': keys.get('one scope') ?? '' } });
    if (right === 'profile:read') expect(isRefused(one), one.body).toBe(false);
    else expect(one.statusCode).toBe(403);
  });

  test('answers the anonymous viewer as the table says, with 401 where that is not enough', async () => {
    const right = rights.get(id) ?? 'public';
    if (right === 'public') return;
    const { statusCode } = await call(it, { id, headers: {} });
    if (ruleOf(right).anonymous) expect(refusals).not.toContain(statusCode);
    else expect(statusCode).toBe(401);
  });

  test('documents the credentials that it takes, and no other', async () => {
    const documented = readOperations(it).find(({ operationId }) => operationId === id)?.security;
    if (rights.get(id) === 'public') return expect(documented).toEqual([]);
    const byKey = await call(it, { id, headers: { 'x-api-key': keys.get('every scope') ?? '' } });
    const byNobody = await call(it, { id, headers: {} });
    expect(documented).toEqual([
      { bearer: [] },
      { cookie: [] },
      ...(isRefused(byKey) ? [] : [{ apiKey: [] }]),
      ...(isRefused(byNobody) ? [] : [{}]),
    ]);
  });

  test('asks for credentials where anonymous access is off', async () => {
    const right = rights.get(id) ?? 'public';
    if (right === 'public') return;
    const answer = await call(closed, { id, headers: {} });
    expect(answer.statusCode).toBe(401);
    expect(answer.json().code ?? answer.json().error.code).toBe('UNAUTHENTICATED');
    for (const wrong of [{ authorization: 'Bearer x' }, { 'x-api-key': 'x' }, { cookie: 'access_token=x' }]) {
      const origin = 'http://localhost';
      expect((await call(closed, { id, headers: { ...wrong, origin } })).statusCode).toBe(401);
    }
  });

  test('answers 404 to the owner of one organization who names another', async () => {
    if (rights.get(id) === 'public') return;
    for (const name of byId.get(id)?.organizationParam ? [other.id] : [other.id, other.slug]) {
      const sent = { ...headers.get('owner'), 'x-organization-id': name };
      expect((await call(it, { id, headers: sent, within: name })).statusCode).toBe(404);
    }
  });
});

describe('An id of another organization, or of another person, is not there', () => {
  const made = async (url: string, body: object, sent: Record<string, string>) =>
    (await inject(it.app, { method: 'POST', url, body, headers: sent })).json().id as string;

  const makeBusinesses = async (stranger: TestMember) => {
    const { id } = await actAs(it, other, stranger).make();
    return {
      'businesses.get': { id },
      'businesses.update': { id },
      'businesses.delete': { id },
      'businesses.addMetrics': { id },
    };
  };

  const makeReports = async ({ headers: sent }: TestMember) => {
    const days = { report_period_start: '2024-12-09', report_period_end: '2024-12-15' };
    const id = await made('/api/reports', { title: 'Theirs', ...days }, sent);
    const sections_config = { sections: [{ type: 'activity' }] };
    const template = { id: await made('/api/report-templates', { name: 'Theirs', sections_config }, sent) };
    const ofReports = ['get', 'update', 'delete', 'generate', 'publish', 'archive', 'export'];
    return {
      ...Object.fromEntries(ofReports.map((verb) => [`reports.${verb}`, { id }])),
      ...Object.fromEntries(['get', 'update', 'delete'].map((verb) => [`reportTemplates.${verb}`, template])),
    };
  };

  test('for each endpoint whose path has one', async () => {
    const stranger = await other.member('owner');
    const key = await made('/auth/api-keys', { name: 'theirs', scopes: ['weekly:read'] }, stranger.headers);
    const sessions = await inject(it.app, { url: '/auth/sessions', headers: stranger.headers });
    const invitation = await made(
      `/api/organizations/${other.id}/invitations`,
      { email: `${newId()}@example.org`, role: 'viewer' },
      stranger.headers,
    );
    const measured = { metric_type: 'theirs', metric_name: 'alone' };
    await made('/api/dashboard/metrics', { ...measured, metric_value: 1 }, stranger.headers);
    const theirs: Record<string, Record<string, string>> = {
      'metrics.describe': measured,
      'apiKeys.delete': { id: key },
      'identity.endSession': { id: sessions.json()[0].id },
      'members.update': { user_id: stranger.userId },
      'members.remove': { user_id: stranger.userId },
      'members.revokeInvitation': { invitation_id: invitation },
      'assessments.update': { id: await made('/api/assessments', {}, stranger.headers) },
      ...(await makeBusinesses(stranger)),
      ...(await makeReports(stranger)),
    };
    const ofInstallation = (id: string) => ruleOf(rights.get(id) as Permission)?.instance;
    const withId = endpoints.filter(
      ({ id, path, organizationParam }) =>
        !ofInstallation(id) && [...path.matchAll(/:(\w+)/g)].some(([, name]) => name !== organizationParam),
    );
    expect(Object.keys(theirs).sort()).toEqual(withId.map(({ id }) => id).sort());
    for (const [id, params] of Object.entries(theirs)) {
      expect(Object.values(params)).not.toContain(undefined);
      const answer = await call(it, { id, headers: headers.get('owner') ?? {}, params });
      expect([id, answer.statusCode]).toEqual([id, 404]);
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
