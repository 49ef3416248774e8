import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp, type TestMember, type TestOrganization } from '#testing/make-app.ts';
import { createReadRecorder, type ReadRecorder } from './record-reads.ts';

let it: TestApp;
let organization: TestOrganization;
let member: TestMember;
let principal: UserPrincipal;
let reads: ReadRecorder;
beforeAll(async () => {
  it = await makeTestApp({ ownsDatabase: true, config: { ALMANAC_DEMO: true, ANONYMOUS_ACCESS: true } });
});
afterAll(() => it.close());
beforeEach(async () => {
  organization = await it.makeOrganization();
  member = await organization.member('viewer');
  principal = await signIn(member);
  reads = makeRecorder();
});

const makeRecorder = (scopes = it.platform.scopes) =>
  createReadRecorder({ scopes, now: () => it.clock.now, log: it.platform.log });
const signIn = ({ headers }: TestMember) =>
  it.features.identity.authenticator.authenticate({
    authorization: headers.authorization,
    organization: headers['x-organization-id'],
    cookieToken: undefined,
    apiKey: undefined,
    anonymousOrganization: 'demo',
  });
const entries = async (organizationId = organization.id) => {
  const { rows } = await sql<{
    who: string;
    api_key_id: string | null;
    action: string;
    at: Date;
    address: string | null;
  }>`
    select actor_kind || ':' || coalesce(actor_id::text, 'nobody') as who, api_key_id, action, at, address from audit_log
    where organization_id = ${organizationId} and action not like 'identity.%' order by at, action`.execute(
    it.platform.database.root,
  );
  return rows;
};
const moveTo = (time: string) => {
  it.clock.now = new Date(time);
};

describe('A read', () => {
  test('is entered once for a caller and an endpoint in an hour of the clock', async () => {
    moveTo('2024-12-18T12:59:58Z');
    for (const endpoint of ['weekly.getSummary', 'weekly.getStats', 'weekly.getSummary'])
      reads.note(principal, endpoint);
    await reads.enter();
    moveTo('2024-12-18T12:59:59.999Z');
    reads.note(principal, 'weekly.getSummary');
    await reads.enter();
    moveTo('2024-12-18T13:00:00Z');
    reads.note(principal, 'weekly.getSummary');
    reads.note(principal, 'weekly.getSummary');
    await reads.enter();
    const who = `user:${member.userId}`;
    expect(await entries()).toMatchObject([
      { who, action: 'weekly.getStats', at: new Date('2024-12-18T12:59:58Z') },
      { who, action: 'weekly.getSummary', at: new Date('2024-12-18T12:59:58Z') },
      { who, action: 'weekly.getSummary', at: new Date('2024-12-18T13:00:00Z') },
    ]);
  });

  test('is entered once for all processes, and not again after a restart', async () => {
    moveTo('2024-12-18T14:10:00Z');
    reads.note(principal, 'weekly.getSummary');
    await reads.enter();
    moveTo('2024-12-18T14:40:00Z');
    const other = makeRecorder();
    other.note(principal, 'weekly.getSummary');
    other.note(principal, 'weekly.getStats');
    await other.enter();
    expect((await entries()).map(({ action }) => action)).toEqual(['weekly.getSummary', 'weekly.getStats']);
  });

  test('is told apart by member, by organization and by API key', async () => {
    const other = await organization.member('viewer');
    const elsewhere = await it.makeOrganization();
    const apiKey = { id: newId(), scopes: [] };
    const callers = [
      principal,
      await signIn(other),
      { ...principal, apiKey },
      { ...principal, organizationId: elsewhere.id },
    ];
    for (const caller of [...callers, ...callers]) reads.note(caller, 'weekly.getSummary');
    await reads.enter();
    const found = (await entries()).map(({ who, api_key_id }) => [who, api_key_id]);
    expect(found).toHaveLength(3);
    expect(found).toEqual(
      expect.arrayContaining([
        [`user:${member.userId}`, null],
        [`user:${other.userId}`, null],
        [`api_key:${member.userId}`, apiKey.id],
      ]),
    );
    expect(await entries(elsewhere.id)).toMatchObject([{ who: `user:${member.userId}` }]);
  });

  test('of somebody whose account is gone by then names nobody', async () => {
    reads.note({ ...principal, userId: newId(), request: { id: 'x', address: '203.0.113.7' } }, 'weekly.getSummary');
    await reads.enter();
    expect(await entries()).toMatchObject([{ who: 'user:nobody', address: null, action: 'weekly.getSummary' }]);
  });

  test('waits while the database is away, and is entered once when it is back', async () => {
    let isAway = true;
    const { scopes } = it.platform;
    const inInstance: typeof scopes.inInstance = async (work) => {
      const done = await scopes.inInstance(work);
      // Away after the commit: whoever asked cannot know that it stands.
      if (isAway) throw new Error('connection lost');
      return done;
    };
    const flaky = makeRecorder({ ...scopes, inInstance });
    flaky.note(principal, 'weekly.getSummary');
    await flaky.enter();
    flaky.note(principal, 'weekly.getStats');
    isAway = false;
    await flaky.close();
    expect((await entries()).map(({ action }) => action)).toEqual(['weekly.getStats', 'weekly.getSummary']);
  });

  test('is entered in thousands', async () => {
    const endpoints = Array.from({ length: 2_500 }, (_, n) => `endpoint.${n}`);
    for (const endpoint of endpoints) reads.note(principal, endpoint);
    await reads.close();
    expect(new Set((await entries()).map(({ action }) => action))).toEqual(new Set(endpoints));
  });
});

describe('The server', () => {
  const get = (url: string, headers: Record<string, string> = member.headers) =>
    inject(it.app, { method: 'GET', url, headers });

  test('enters who was answered, also that nothing has changed, and soon after', async () => {
    const first = await get('/api/weekly/summary');
    expect(
      (await get('/api/weekly/summary', { ...member.headers, 'if-none-match': String(first.headers.etag) })).statusCode,
    ).toBe(304);
    const fresh = await organization.member('viewer');
    const known = { ...fresh.headers, 'if-none-match': String(first.headers.etag) };
    expect((await get('/api/weekly/summary', known)).statusCode).toBe(304);
    await expect
      .poll(async () => (await entries()).map(({ who, action }) => [who, action]), { timeout: 10_000 })
      .toEqual(
        expect.arrayContaining([
          [`user:${member.userId}`, 'weekly.getSummary'],
          [`user:${fresh.userId}`, 'weekly.getSummary'],
        ]),
      );
    expect(await entries()).toHaveLength(2);
  });

  test('enters no one who was refused, and nothing that was not read', async () => {
    const admin = await organization.member('admin');
    expect((await get('/api/audit')).statusCode).toBe(403);
    expect((await get('/api/weekly/summary?week=never')).statusCode).toBe(400);
    expect((await get('/api/nothing')).statusCode).toBe(404);
    await inject(it.app, { method: 'HEAD', url: '/api/weekly/summary', headers: member.headers });
    await inject(it.app, { method: 'POST', url: '/api/weekly/refresh', headers: member.headers, body: {} });
    expect((await get('/api/weekly/summary', {})).statusCode).toBe(200);
    expect((await get('/api/audit', admin.headers)).statusCode).toBe(200);
    await it.features.audit.enterReads();
    // What reads the log enters itself, in its transaction.
    expect(await entries()).toMatchObject([{ action: 'audit.list', who: `user:${admin.userId}` }]);
    const { demoOrganizationId = '' } = it.features.builtIns;
    expect(await entries(demoOrganizationId)).toEqual([]);
  });

  test('enters what is left when it stops', async () => {
    const other = await makeTestApp();
    const own = await other.makeOrganization();
    const viewer = await own.member('viewer');
    await inject(other.app, { method: 'GET', url: '/api/weekly/stats', headers: viewer.headers });
    await other.app.close();
    const { rows } = await sql`select action from audit_log where organization_id = ${own.id}`.execute(
      other.platform.database.root,
    );
    expect(rows).toEqual([{ action: 'weekly.getStats' }]);
    await other.close();
  });
});
