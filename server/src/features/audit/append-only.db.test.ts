import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { systemPrincipal } from '#platform/access/principal.ts';
import { ensureMonthPartitions } from '#platform/db/month-partitions.ts';
import type { InstanceTx } from '#platform/db/scopes.ts';
import { type FeedDatabase, makeFeedDatabase, makeMember } from '#testing/make-feed-database.ts';
import { recordAccountEvent, recordAudit } from './record-audit.ts';

let it: FeedDatabase;
let organizationId: string;
let userId: string;
const at = new Date('2024-12-18T12:00:00Z');
const partitions = ['audit_log_default', 'audit_log_2024_12'];

beforeAll(async () => {
  it = await makeFeedDatabase();
  await ensureMonthPartitions(it.database.root, { table: 'audit_log', from: at, months: 1 });
  const made = await it.makeOrganization(1);
  organizationId = made.organizationId;
  userId = made.userIds[0] ?? '';
});
afterAll(() => it.close());

type Work<T> = (tx: Pick<InstanceTx, 'db'>) => Promise<T>;
/** The three ways into the database, each in the organization and with a right to read and append. */
const ways: Record<string, <T>(work: Work<T>) => Promise<T>> = {
  almanac_app: (work) => it.scopes.inOrganization(makeMember({ organizationId, userId }), work),
  almanac_system: (work) => it.scopes.inOrganization(systemPrincipal(organizationId), work),
  almanac_instance: (work) => it.scopes.inInstance(work),
};
const readLog = async () => (await sql`select * from audit_log order by at, id`.execute(it.database.root)).rows;
const append = (into: string, organization = organizationId) =>
  sql`
    insert into ${sql.table(into)} (organization_id, at, id, actor_kind, action)
    values (${organization}, ${at}, ${newId()}, 'system', 'test.did')`;

describe.each(Object.keys(ways))('The role %s', (role) => {
  const run: <T>(work: Work<T>) => Promise<T> = (work) => (ways[role] ?? it.scopes.inInstance)(work as Work<never>);

  test('appends entries and reads them', async () => {
    await run(({ db }) => append('audit_log').execute(db));
    const { rows } = await run(({ db }) =>
      sql`select 1 from audit_log where organization_id = ${organizationId}`.execute(db),
    );
    expect(rows.length).toBeGreaterThan(0);
  });

  test.each([
    ...['audit_log', ...partitions].flatMap((table) => [
      `update ${table} set action = 'forged'`,
      `update ${table} set organization_id = gen_random_uuid()`,
      `delete from ${table}`,
      `truncate ${table}`,
      `merge into ${table} a using (select 1 as one) b on true when matched then delete`,
      `alter table ${table} disable row level security`,
      `drop table ${table}`,
    ]),
    ...partitions.map((table) => `select * from ${table}`),
    `insert into audit_log select * from audit_log on conflict (organization_id, at, id) do update set action = 'forged'`,
    `alter table audit_log detach partition audit_log_2024_12`,
  ])('cannot: %s', async (statement) => {
    await run(({ db }) => append('audit_log').execute(db));
    const before = await readLog();
    await expect(run(({ db }) => sql.raw(statement).execute(db))).rejects.toThrow(/permission denied|must be owner/);
    expect(await readLog()).toEqual(before);
  });

  test('cannot append to a partition directly', async () => {
    for (const table of partitions) {
      await expect(run(({ db }) => append(table).execute(db))).rejects.toThrow(/permission denied/);
    }
  });
});

test.each(['almanac_app', 'almanac_system'])(
  '%s can neither append to another organization’s log nor take anybody out of it',
  async (role) => {
    const run = ways[role] ?? it.scopes.inInstance;
    const { organizationId: other } = await it.makeOrganization(0);
    await expect(run(({ db }) => append('audit_log', other).execute(db))).rejects.toThrow(/row-level security/);
    await expect(run(({ db }) => sql`select audit_forget_person(${userId})`.execute(db))).rejects.toThrow(
      /permission denied/,
    );
  },
);

test('taking a person out keeps every entry, without who it was; what others did stays as it is', async () => {
  const { organizationId: own, userIds } = await it.makeOrganization(2);
  const [person = '', other = ''] = userIds;
  const request = { id: 'request', address: '203.0.113.7' };
  const theirs = { ...makeMember({ organizationId: own, userId: other }), request };
  const target = `user:${person}`;
  await it.scopes.inInstance(async (tx) => {
    const event = { at, organizationId: own, userId: person, request, details: { a: 1 } };
    await recordAccountEvent(tx, { ...event, action: 'did.itself', target });
    await recordAccountEvent(tx, { ...event, action: 'did.by_key', target: 'source:1', apiKeyId: newId() });
    await recordAccountEvent(tx, { ...event, action: 'did.another', target: `user:${other}` });
    await sql`
      insert into audit_log (organization_id, at, id, actor_kind, action, target, address, request_id)
      values (${own}, ${at}, ${newId()}, 'anonymous', 'failed', ${target}, '203.0.113.9', 'r')`.execute(tx.db);
  });
  await it.scopes.inOrganization(theirs, async (tx) => {
    await recordAudit(tx, { at, action: 'did.to_it', target, details: { role: 'viewer' } });
    await recordAudit(tx, { at, action: 'unconcerned', target: 'source:1', details: { b: 2 } });
  });
  const forget = () =>
    it.scopes.inInstance(
      async ({ db }) => (await sql<{ count: number }>`select audit_forget_person(${person}) as count`.execute(db)).rows,
    );
  expect(await forget()).toEqual([{ count: 5 }]);
  expect(await forget()).toEqual([{ count: 0 }]);

  const { rows } = await sql<Record<string, unknown>>`
    select action, actor_kind, actor_id, api_key_id, target, details, address, request_id from audit_log
    where organization_id = ${own} order by action`.execute(it.database.root);
  const nobody = { actor_id: null, api_key_id: null, details: {}, address: null, request_id: null };
  const somebody = {
    actor_kind: 'user',
    actor_id: other,
    api_key_id: null,
    address: request.address,
    request_id: request.id,
  };
  expect(rows).toEqual([
    { ...nobody, action: 'did.another', actor_kind: 'user', target: `user:${other}` },
    { ...nobody, action: 'did.by_key', actor_kind: 'api_key', target: 'source:1' },
    { ...nobody, action: 'did.itself', actor_kind: 'user', target: 'user:erased' },
    { ...somebody, action: 'did.to_it', target: 'user:erased', details: {} },
    { ...nobody, action: 'failed', actor_kind: 'anonymous', target: 'user:erased' },
    { ...somebody, action: 'unconcerned', target: 'source:1', details: { b: 2 } },
  ]);
});
