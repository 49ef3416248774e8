import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { leaveTraces, makePerson, password, type ScenePerson } from '#testing/person-scene.ts';

type ExportedFile = Record<string, Record<string, unknown>[]> & { account: Record<string, unknown> };

let it: TestApp;
let port: number;
let person: ScenePerson;
beforeAll(async () => {
  it = await makeTestApp();
  await it.app.listen({ host: '127.0.0.1', port: 0 });
  port = (it.app.server.address() as AddressInfo).port;
});
beforeEach(async () => {
  person = await makePerson(it);
});
afterAll(() => it.close());

const readExport = (who: ScenePerson) => who.ask<ExportedFile>({ url: '/users/export' });

/** Begins to read the export over a connection of its own; nothing of the body is taken yet. */
async function openExport({ headers }: ScenePerson) {
  const asking = request({ port, path: '/users/export', headers }).end();
  const [answer] = await once(asking, 'response');
  return answer as import('node:http').IncomingMessage;
}

/** Enters as many things that the person did; a few at a time, so that the server is not busy with that alone. */
async function enter({ userId, ownOrganizationId }: ScenePerson, entries: number, bytesEach = 10) {
  for (let from = 0; from < entries; from += 500) {
    await sql`
      insert into audit_log (organization_id, at, id, actor_kind, actor_id, action, target, details, address)
      select ${ownOrganizationId}, timestamptz '2024-12-17T00:00:00Z' + n * interval '1 second', gen_random_uuid(),
        'user', ${userId}, 'weekly.summary', 'week:2024-W51',
        jsonb_build_object('note', repeat('x', ${bytesEach}::int)), '203.0.113.7'
      from generate_series(${from + 1}::int, ${Math.min(from + 500, entries)}::int) n`.execute(
      it.platform.database.root,
    );
    await setImmediate();
  }
}

describe('The export', () => {
  test('holds something of every kind of thing that there is about the person', async () => {
    await leaveTraces(it, { person, colleague: await makePerson(it, 'Colleague') });
    const { exported_at, account, complete, ...sections } = await readExport(person);
    expect({ exported_at, complete }).toEqual({ exported_at: it.clock.now.toISOString(), complete: true });
    const { userId: id, email, name } = person;
    expect(account).toMatchObject({ id, email, name, preferences: { motto: name } });
    const empty = Object.entries(sections).filter(([, rows]) => rows.length === 0);
    expect(empty).toEqual([]);
    expect(Object.keys(sections)).toEqual([
      'memberships',
      'sessions',
      'mailed_links',
      'outside_identities',
      'businesses',
      'business_days',
      'business_statuses',
      'reports',
      'organizations_named_after_you',
      'recovery_codes',
      'api_keys',
      'invitations',
      'activity_log',
      'active_days',
      'assessments',
      'mails',
      'events',
      'idempotent_calls',
      'jobs',
      'audit_entries',
      'authored_items',
    ]);
    expect(sections.sessions?.[0]).toMatchObject({ address: person.address, user_agent: person.userAgent });
    expect(sections.authored_items).toHaveLength(3);
    expect(sections.invitations?.map(({ is_from_you }) => is_from_you).sort()).toEqual([false, true]);
    expect(sections.audit_entries?.map(({ action }) => action)).toContain('mfa.enable');
  });

  test('holds no secret: no hash, no key and no mailed link', async () => {
    await leaveTraces(it, { person, colleague: await makePerson(it, 'Colleague') });
    const answer = await inject(it.app, { url: '/users/export', headers: person.headers });
    const { rows } = await sql<{ secret: string }>`
      select password_hash as secret from users where id = ${person.userId}
      union select mfa_secret from users where id = ${person.userId}
      union select encode(refresh_token_hash, 'hex') from user_sessions where user_id = ${person.userId}
      union select encode(token_hash, 'hex') from mailed_tokens where user_id = ${person.userId}
      union select encode(code_hash, 'hex') from mfa_recovery_codes where user_id = ${person.userId}
      union select encode(key_hash, 'hex') from api_keys where user_id = ${person.userId}
      union select substring(body_text from '#[a-z-]+=([A-Za-z0-9_-]+)') from mails
        where lower(recipient) = lower(${person.email})`.execute(it.platform.database.root);
    expect(rows.length).toBeGreaterThan(15);
    expect(rows.filter(({ secret }) => answer.body.includes(secret))).toEqual([]);
    expect(answer.body).not.toMatch(/hash|body_text/);
  });

  test('is a file of that day, and no cache keeps it', async () => {
    const answer = await inject(it.app, { url: '/users/export', headers: person.headers });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'content-disposition': 'attachment; filename="almanac-export-2024-12-18.json"',
      'cache-control': 'private, no-store',
    });
  });

  test('holds what was mailed to an address only once it is confirmed to be the person’s', async () => {
    const colleague = await makePerson(it, 'Colleague');
    const invitation = { email: person.email, role: 'viewer' };
    const url = `/api/organizations/${colleague.ownOrganizationId}/invitations`;
    await colleague.ask({ method: 'POST', url, body: invitation }, { status: 201 });
    expect(await readExport(person)).toMatchObject({ mails: [], invitations: [] });
    await sql`update users set email_verified_at = now() where id = ${person.userId}`.execute(
      it.platform.database.root,
    );
    const { mails, invitations } = await readExport(person);
    expect([mails?.length, invitations?.length]).toEqual([2, 1]);
  });

  test('holds nothing of others', async () => {
    const colleague = await makePerson(it, 'Colleague');
    await leaveTraces(it, { person: colleague, colleague: person });
    await enter(colleague, 10);
    const { audit_entries, api_keys, sessions, authored_items } = await readExport(person);
    expect({ api_keys, authored_items, sessions: sessions?.length }).toEqual({
      api_keys: [],
      authored_items: [],
      sessions: 1,
    });
    const { rows } = await sql<{ entries: number }>`
      select count(*) as entries from audit_log where actor_id = ${person.userId}`.execute(it.platform.database.root);
    expect(audit_entries).toHaveLength(rows[0]?.entries ?? 0);
  });

  test('holds the tries to sign in to the account, each once, and those of nobody else', async () => {
    const [first, second] = [await makePerson(it), await makePerson(it)];
    await enter(first, 600);
    await sql`
      insert into audit_log (organization_id, at, id, actor_kind, action, target, address)
      select ${first.ownOrganizationId}, timestamptz '2024-12-17T00:00:00.5Z' + n * interval '1 second',
        gen_random_uuid(), 'anonymous', 'identity.login_failed', ${`user:${first.userId}`}, '203.0.113.9'
      from generate_series(1, 600) n`.execute(it.platform.database.root);
    for (const { email, ask } of [first, second]) {
      const tried = { email: email.toUpperCase(), password: 'wrong horse battery' };
      await ask({ method: 'POST', url: '/auth/login', body: tried }, { status: 401 });
    }
    const tries = async (who: ScenePerson) =>
      (await readExport(who)).audit_entries?.filter(({ action }) => action === 'identity.login_failed') ?? [];
    const { userId, address } = second;
    expect(await tries(second)).toMatchObject([{ actor_kind: 'anonymous', target: `user:${userId}`, address }]);
    const ofFirst = await tries(first);
    expect(ofFirst).toHaveLength(601);
    expect(new Set(ofFirst.map(({ id }) => id)).size).toBe(601);
  });

  test('is refused to API keys, to nobody and to the erased', async () => {
    const key = await person.ask<{ key: string }>(
      { method: 'POST', url: '/auth/api-keys', body: { name: 'A key', scopes: ['weekly:read'] } },
      { status: 201 },
    );
    const byKey = await inject(it.app, { url: '/users/export', headers: { 'x-api-key': key.key } });
    expect(byKey.statusCode).toBe(403);
    expect((await inject(it.app, { url: '/users/export' })).statusCode).toBe(401);
    await person.ask({ method: 'DELETE', url: '/users/me', body: { password } }, { status: 204 });
    await person.ask({ url: '/users/export' }, { status: 401 });
  });
});

describe('An export of much', () => {
  /** Some 24 MB in all: more than a connection on one machine takes before somebody reads. */
  const [entries, bytesEach] = [8_000, 3_000];
  let busy: ScenePerson;
  beforeAll(async () => {
    busy = await makePerson(it, 'Busy');
    await enter(busy, entries, bytesEach);
  });

  test('comes whole, each entry once', async () => {
    const file = JSON.parse(await text(await openExport(busy))) as ExportedFile;
    const ids = file.audit_entries?.filter(({ action }) => action === 'weekly.summary').map(({ id }) => id);
    expect(new Set(ids).size).toBe(entries);
    expect(ids).toHaveLength(entries);
    expect(file.complete).toBe(true);
  });

  test('holds no transaction while its reader is slow', async () => {
    const answer = await openExport(busy);
    await once(answer, 'readable');
    await busy.ask({ url: '/users/profile' });
    await it.features.audit.enterReads();
    // Whoever is reading the log in a transaction keeps the lock from being had; on the embedded database, which has one
    // connection, nobody could even ask.
    await it.platform.database.root.transaction().execute(async (db) => {
      await sql`set local lock_timeout = '5s'`.execute(db);
      await sql`lock table audit_log in access exclusive mode`.execute(db);
    });
    const file = JSON.parse(await text(answer)) as ExportedFile;
    expect(file.complete).toBe(true);
  });

  test('breaks off, and does not end, where the account is erased on the way', async () => {
    const answer = await openExport(busy);
    await once(answer, 'readable');
    await busy.ask({ method: 'DELETE', url: '/users/me', body: { password } }, { status: 204 });
    await expect(text(answer)).rejects.toThrow('aborted');
    expect(answer.complete).toBe(false);
  });
});

test('what is written while an export is read is left out, so that it ends', async () => {
  await enter(person, 1_200);
  const { audit_entries } = await readExport(person);
  const later = new Date(it.clock.now.getTime() + 60_000);
  await sql`
    insert into audit_log (organization_id, at, id, actor_kind, actor_id, action)
    values (${person.ownOrganizationId}, ${later}, ${newId()}, 'user', ${person.userId}, 'later')`.execute(
    it.platform.database.root,
  );
  const again = await readExport(person);
  // The second one holds the first one's own entry.
  expect(again.audit_entries).toHaveLength((audit_entries?.length ?? 0) + 1);
});
