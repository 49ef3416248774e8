import { createHash } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { systemPrincipal } from '#platform/access/principal.ts';
import { findTraces } from '#testing/find-traces.ts';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { join, leaveTraces, makePerson, password, type ScenePerson } from '#testing/person-scene.ts';
import { forgetAbsent } from './privacy.jobs.ts';

let it: TestApp;
let person: ScenePerson;
let colleague: ScenePerson;
/** Of the person's second factor, where it is on. */
let code: string | undefined;
beforeAll(async () => {
  it = await makeTestApp({ ownsDatabase: true });
  await makePerson(it, 'Administrator');
});
beforeEach(async () => {
  it.clock.now = new Date(it.clock.now.getTime() + 1_000);
  person = await makePerson(it);
  colleague = await makePerson(it, 'Colleague');
  code = undefined;
});
afterAll(() => it.close());

const erase = (who: ScenePerson, status = 204) =>
  who.ask({ method: 'DELETE', url: '/users/me', body: { password, ...(code && { code }) } }, { status });
const rows = async <Row>(statement: RawBuilder<Row>) => (await statement.execute(it.platform.database.root)).rows;
const hashOf = (text: string) => createHash('sha256').update(text.toLowerCase()).digest('hex');
const tracesOf = ({ userId, email, name, address, userAgent }: ScenePerson, ...more: string[]) =>
  findTraces(it.platform.database.root, [userId, email, name, address, userAgent, hashOf(email), ...more]);
const readAudit = (organizationId: string) =>
  rows(sql<{ action: string; actor_id: string | null; target: string; address: string | null }>`
    select action, actor_id, target, address from audit_log where organization_id = ${organizationId} order by at, id`);

describe('An erasure', () => {
  test('leaves nothing of the person in any column of any table', async () => {
    code = await leaveTraces(it, { person, colleague });
    const before = Object.keys(await tracesOf(person)).map((name) =>
      name.replace(/^public\.|_\d{4}_\d\d$|_default$/g, ''),
    );
    expect(before).toEqual(
      expect.arrayContaining([
        ...['users', 'user_organizations', 'user_sessions', 'user_identities', 'mailed_tokens', 'mfa_recovery_codes'],
        ...['organizations', 'api_keys', 'invitations', 'mails', 'audit_log', 'sign_in_attempts', 'idempotency_keys'],
        ...['feed_events', 'feed_states', 'activity_items', 'weekly_snapshots', 'scheduled_job_logs', 'system_alerts'],
        expect.stringMatching(/^pgboss\.j/),
      ]),
    );
    await erase(person);
    expect(await tracesOf(person)).toEqual({});
  });

  test('deletes the organizations that nobody else is in, but not their audit entries', async () => {
    const { ownOrganizationId } = person;
    code = await leaveTraces(it, { person, colleague });
    const entries = await readAudit(ownOrganizationId);
    expect(entries.length).toBeGreaterThan(5);
    await erase(person);
    expect(await rows(sql`select from organizations where id = ${ownOrganizationId}`)).toEqual([]);
    const kept = await readAudit(ownOrganizationId);
    const actions = [...entries.map(({ action }) => action), 'privacy.deleteAccount'];
    expect(kept.map(({ action }) => action)).toEqual(actions);
    expect(kept.filter(({ actor_id, address }) => actor_id !== null || address !== null)).toEqual([]);
    expect(new Set(kept.map(({ target }) => target))).toContain('user:erased');
  });

  test('leaves what is held about another member as it was', async () => {
    code = await leaveTraces(it, { person, colleague });
    await leaveTraces(it, { person: colleague, colleague: await makePerson(it, 'Third') });
    type Section = 'memberships' | 'invitations' | 'audit_entries' | 'idempotent_calls' | 'events';
    type File = Record<Section, Record<string, unknown>[]>;
    const read = async () => {
      const { exported_at: _, ...file } = await colleague.ask<File & { exported_at: string }>({ url: '/users/export' });
      const entries = file.audit_entries.filter(({ action }) => action !== 'privacy.export');
      // The newest state of a burst comes a quarter of a second after the first.
      const events = file.events.filter(({ type }) => type !== 'tenant.changed');
      return { ...file, audit_entries: entries, events };
    };
    const before = await read();
    await erase(person);
    const namesPerson = ({ target }: Record<string, unknown>) => target === `user:${person.userId}`;
    expect(before.audit_entries.filter(namesPerson)).toHaveLength(1);
    const elsewhere = before.memberships.find(({ organization_name }) => organization_name === 'Elsewhere');
    // There the colleague had invited the person, and nothing else.
    const isOthers = ({ organization_id }: Record<string, unknown>) => organization_id !== elsewhere?.organization_id;
    expect(await read()).toEqual({
      ...before,
      invitations: before.invitations.filter(isOthers),
      idempotent_calls: before.idempotent_calls.filter(isOthers),
      audit_entries: before.audit_entries.map((entry) =>
        namesPerson(entry) ? { ...entry, target: 'user:erased', details: {} } : entry,
      ),
    });
    expect(before.idempotent_calls.every(isOthers)).toBe(false);
    expect(before.invitations.every(isOthers)).toBe(false);
  });

  test('leaves what is told of runs as it was, but for the person', async () => {
    const { email, userId } = person;
    const [id, longer] = [newId(), `x${email}`];
    await rows(sql`
      insert into scheduled_job_logs (id, job_name, slot, status, started_at, result, error) values (${id}, 'deliver_mail',
        now(), 'failed', now(), ${JSON.stringify({ to: [email.toUpperCase(), longer], of: userId, tries: 3 })},
        ${`${longer}: away; <${email}>: no mailbox`})`);
    await erase(person);
    expect(await rows(sql`select result, error from scheduled_job_logs where id = ${id}`)).toEqual([
      { result: { to: ['erased', longer], of: 'erased', tries: 3 }, error: `${longer}: away; <erased>: no mailbox` },
    ]);
  });

  test('ends all that the person was signed in with, and clears the cookies', async () => {
    const key = await person.ask<{ key: string }>(
      { method: 'POST', url: '/auth/api-keys', body: { name: 'A key', scopes: ['weekly:read'] } },
      { status: 201 },
    );
    const headers = { 'x-api-key': key.key };
    expect((await inject(it.app, { url: '/api/weekly/summary', headers })).statusCode).toBe(200);
    const answer = await inject(it.app, {
      method: 'DELETE',
      url: '/users/me',
      body: { password },
      headers: person.headers,
    });
    expect(answer.cookies.map(({ name, maxAge, path }) => [name, maxAge, path])).toEqual([
      ['access_token', 0, '/'],
      ['refresh_token', 0, '/auth'],
    ]);
    await person.ask({ url: '/users/profile' }, { status: 401 });
    expect((await inject(it.app, { url: '/api/weekly/summary', headers })).statusCode).toBe(401);
    const login = { method: 'POST', url: '/auth/login', body: { email: person.email, password } } as const;
    await person.ask(login, { status: 401 });
  });

  test('lets the address be registered again, by a new person', async () => {
    code = await leaveTraces(it, { person, colleague });
    await erase(person);
    const { email } = person;
    const again = await inject(it.app, { method: 'POST', url: '/auth/register', body: { email, password } });
    expect(again.statusCode).toBe(201);
    const { user, access_token } = again.json<{
      user: { id: string; email_verified_at: null };
      access_token: string;
    }>();
    expect(user).toMatchObject({ email, email_verified_at: null });
    expect(user.id).not.toBe(person.userId);
    const headers = { authorization: `Bearer ${access_token}` };
    const file = (await inject(it.app, { url: '/users/export', headers })).json<Record<string, unknown[]>>();
    expect(file).toMatchObject({ invitations: [], events: [], api_keys: [], authored_items: [], mails: [] });
    expect(file.memberships).toHaveLength(1);
  });

  test('that fails on its way has changed nothing', async () => {
    code = await leaveTraces(it, { person, colleague });
    const refuse = `refuse_${newId().replaceAll('-', '')}`;
    await rows(
      sql.raw(`create function ${refuse}() returns trigger language plpgsql as
      $$ begin raise exception 'as asked'; end $$`),
    );
    await rows(
      sql.raw(`create trigger ${refuse} before delete on users for each row
      when (old.id = '${person.userId}') execute function ${refuse}()`),
    );
    // What waits to be told would be an event more by the second reading.
    await vi.waitFor(async () => expect(await rows(sql`select from feed_states where due_at is not null`)).toEqual([]));
    // Those the right password forgets, whatever comes of the rest.
    const { 'public.sign_in_attempts': _, ...before } = await tracesOf(person);
    await erase(person, 500);
    expect(await tracesOf(person)).toEqual(before);
    await rows(sql.raw(`drop function ${refuse} cascade`));
    await erase(person);
  });

  test('of an account without a password takes its address', async () => {
    await rows(sql`update users set password_hash = null where id = ${person.userId}`);
    const end = (body: object, status: number) => person.ask({ method: 'DELETE', url: '/users/me', body }, { status });
    const refused = await end({}, 400);
    expect(refused).toMatchObject({ error: { details: { field: 'email' } } });
    await end({ password }, 400);
    await end({ email: colleague.email }, 400);
    await end({ email: person.email.toUpperCase() }, 204);
    expect(await tracesOf(person)).toEqual({});
  });
});

describe('What others share with the erased', () => {
  test('has its events still, without a hole, and none of what was for the erased alone', async () => {
    code = await leaveTraces(it, { person, colleague });
    const organizationId = colleague.ownOrganizationId;
    const read = () =>
      colleague.ask<{ events: { id: number }[]; gone: boolean }>({ url: '/api/feed?after=0' }, { organizationId });
    const before = await read();
    await erase(person);
    const after = await read();
    expect(after.gone).toBe(false);
    expect(after.events.slice(0, before.events.length)).toEqual(before.events);
    const numbers = await rows(sql<{ id: number }>`
      select id from feed_events where organization_id = ${organizationId} order by id`);
    expect(numbers.map(({ id }) => id)).toEqual(numbers.map((_, index) => index + 1));
  });

  test('keeps an organization that bore the name of the erased under another one', async () => {
    const { ownOrganizationId: id, name } = person;
    await join(it, { owner: person, person: colleague, organizationId: id, role: 'owner' });
    const find = () => rows(sql<{ name: string; slug: string }>`select name, slug from organizations where id = ${id}`);
    expect(await find()).toMatchObject([{ name: `${name}’s organization` }]);
    await erase(person);
    expect(await find()).toEqual([
      { name: 'Organization', slug: expect.stringMatching(/^organization-[0-9a-f]{10}$/) },
    ]);
    await colleague.ask({ url: '/api/weekly/summary' }, { organizationId: id });
  });

  test('has no runs of jobs left for organizations that are no more, and the run that they were part of ends', async () => {
    const parentId = newId();
    await rows(sql`
      insert into scheduled_job_logs (id, job_name, slot, status, started_at, pending, result)
      values (${parentId}, 'refresh_weekly_data', now(), 'running', now(), 1, '{"organizations": 1}')`);
    await it.platform.scopes.inOrganization(systemPrincipal(person.ownOrganizationId), async (tx) =>
      it.platform.jobs.enqueue(tx, 'recompute_weeks'),
    );
    const waiting = sql<{ id: string }>`
      select id from pgboss.job where singleton_key = ${person.ownOrganizationId} and state < 'active'`;
    await rows(sql`
      update pgboss.job set data = data || jsonb_build_object('parentId', ${parentId}::text)
      where singleton_key = ${person.ownOrganizationId}`);
    expect(await rows(waiting)).toHaveLength(1);
    await erase(person);
    expect(await rows(waiting)).toEqual([]);
    const parent = sql`select status, pending, result from scheduled_job_logs where id = ${parentId}`;
    expect(await rows(parent)).toMatchObject([{ status: 'succeeded', pending: 0, result: { idle: 1 } }]);
  });
});

test('what a request under way has entered after the erasure is anonymised by the job', async () => {
  const organizationId = colleague.ownOrganizationId;
  await join(it, { owner: colleague, person, organizationId, role: 'member' });
  await erase(person);
  const { userId, address } = person;
  await rows(sql`
    insert into audit_log (organization_id, at, id, actor_kind, actor_id, action, target, address) values
      (${organizationId}, ${it.clock.now}, ${newId()}, 'user', ${userId}, 'weekly.items', null, ${address}),
      (${organizationId}, ${it.clock.now}, ${newId()}, 'user', ${colleague.userId}, 'members.update', ${`user:${userId}`}, null)`);
  const others = () =>
    rows(sql`select * from audit_log where actor_id = ${colleague.userId} and target !~ '^user:' order by id`);
  const before = await others();
  const run = { now: () => it.clock.now, inInstance: it.platform.scopes.inInstance };
  const handle = () => forgetAbsent.handler(run as Parameters<typeof forgetAbsent.handler>[0]);
  expect(await handle()).toEqual({ people: 1 });
  expect(await tracesOf(person)).toEqual({});
  expect(await others()).toEqual(before);
  expect(await handle()).toBeUndefined();
});
