import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { openTestDatabase } from '#testing/test-database.ts';
import type { Database } from './database.ts';
import { dropMonthPartition, ensureMonthPartitions, listMonthPartitions } from './month-partitions.ts';

const november = new Date('2026-11-21T11:00:00Z');
let database: Database;
let table: string;
let count = 0;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  count += 1;
  table = `events${count}`;
  await sql`
    create table ${sql.table(table)} (organization_id uuid not null, at timestamptz not null, id uuid, note text default 'none',
      primary key (organization_id, at, id)) partition by range (at)`.execute(database.root);
  await sql`create index on ${sql.table(table)} (id) where note is not null`.execute(database.root);
  await sql`create table ${sql.table(`${table}_default`)} partition of ${sql.table(table)} default`.execute(
    database.root,
  );
});

const ensure = (from: Date, months: number) => ensureMonthPartitions(database.root, { table, from, months });
const rows = async <T>(text: string): Promise<T[]> => (await sql.raw<T>(text).execute(database.root)).rows;
const insertAt = (times: readonly Date[], root = database.root) =>
  sql`
    insert into ${sql.table(table)} (organization_id, at, id)
    select ${newId()}, at, gen_random_uuid()
    from unnest(${times.map((time) => time.toISOString())}::timestamptz[]) at`.execute(root);
const listEntries = () =>
  rows<{ at: Date; id: string; place: string }>(
    `select at, id, tableoid::regclass::text as place from ${table} order by at, id`,
  );
const placeOf = (at: Date, months: readonly string[]) => {
  const name = `${table}_${at.toISOString().slice(0, 7).replace('-', '_')}`;
  return months.includes(name) ? name : `${table}_default`;
};

test('makes the months that are missing, over the end of a year, and no month twice', async () => {
  const made = [`${table}_2026_11`, `${table}_2026_12`, `${table}_2027_01`];
  expect(await ensure(november, 3)).toEqual(made);
  expect(await ensure(november, 3)).toEqual([]);
  expect(await ensure(new Date('2026-12-31T23:59:59.999Z'), 3)).toEqual([`${table}_2027_02`]);
  expect(await listMonthPartitions(database.root, table)).toEqual([
    { name: made[0], from: new Date('2026-11-01T00:00:00Z'), to: new Date('2026-12-01T00:00:00Z') },
    { name: made[1], from: new Date('2026-12-01T00:00:00Z'), to: new Date('2027-01-01T00:00:00Z') },
    { name: made[2], from: new Date('2027-01-01T00:00:00Z'), to: new Date('2027-02-01T00:00:00Z') },
    { name: `${table}_2027_02`, from: new Date('2027-02-01T00:00:00Z'), to: new Date('2027-03-01T00:00:00Z') },
  ]);
});

test('a month goes from its first moment in UTC to the last before the next, whatever the zone of the connection', async () => {
  await sql`set timezone to 'Pacific/Auckland'`.execute(database.root);
  await ensure(november, 1);
  await insertAt(
    ['2026-10-31T23:59:59.999Z', '2026-11-01T00:00:00Z', '2026-11-30T23:59:59.999Z', '2026-12-01T00:00:00Z'].map(
      (text) => new Date(text),
    ),
  );
  const places = (await listEntries()).map(({ place }) => place);
  expect(places).toEqual([`${table}_default`, `${table}_2026_11`, `${table}_2026_11`, `${table}_default`]);
});

test('what the default partition took goes into its month, every row once and as it was', async () => {
  const start = Date.parse('2026-10-20T00:00:00Z');
  const edges = [
    '2026-10-31T23:59:59.999Z',
    '2026-11-01T00:00:00Z',
    '2026-12-31T23:59:59.999Z',
    '2027-01-01T00:00:00Z',
  ];
  await insertAt([
    ...edges.map((text) => new Date(text)),
    ...Array.from({ length: 2_000 }, (_, n) => new Date(start + n * 3_700_000)),
  ]);
  const whole = `select to_jsonb(a) as entry from ${table} a order by at, id`;
  const before = await rows(whole);
  const made = await ensure(november, 2);
  expect(await rows(whole)).toEqual(before);
  const entries = await listEntries();
  expect(entries).toHaveLength(2_004);
  expect(entries.filter(({ at, place }) => place !== placeOf(at, made))).toEqual([]);
  expect(new Set(entries.map(({ place }) => place))).toEqual(new Set([`${table}_default`, ...made]));
});

test('a month of which very much came before stays where it is', async () => {
  await sql`
    insert into ${sql.table(table)} (organization_id, at, id)
    select ${newId()}, ${november}::timestamptz + n * interval '1 second', gen_random_uuid()
    from generate_series(1, ${50_001}::int) n`.execute(database.root);
  expect(await ensure(november, 2)).toEqual([`${table}_2026_12`]);
  expect((await rows(`select from ${table}_default`)).length).toBe(50_001);
});

test('many processes at once, beside transactions that read and then write, lose nothing and fail nothing', async () => {
  const times = (writer: number) =>
    Array.from({ length: 10 }, (_, n) => new Date(november.getTime() + (writer * 10 + n) * 86_400_000));
  const write = (writer: number) =>
    database.root.transaction().execute(async (db) => {
      await sql`select count(*) from ${sql.table(table)}`.execute(db);
      await insertAt(times(writer), db);
    });
  const writers = Array.from({ length: 12 }, (_, writer) => writer);
  await insertAt(times(0));
  const made = await Promise.all([...writers.map(write), ...[1, 2, 3].map(() => ensure(november, 4))]);
  expect(made.flatMap((names) => names ?? [])).toHaveLength(4);
  const entries = await listEntries();
  expect(entries).toHaveLength(130);
  const months = (await listMonthPartitions(database.root, table)).map(({ name }) => name);
  expect(entries.filter(({ at, place }) => place !== placeOf(at, months))).toEqual([]);
});

describe('A month', () => {
  test('is protected like its table, and no role reaches it directly', async () => {
    await ensure(november, 1);
    const [found] = await rows(`
      select relrowsecurity as secured, (select array_agg(polname::text order by 1) from pg_policy where polrelid = c.oid) as policies
      from pg_class c where relname = '${table}_2026_11'`);
    expect(found).toEqual({ secured: true, policies: ['organization_member', 'organization_system'] });
    for (const role of ['almanac_app', 'almanac_system', 'almanac_instance']) {
      const read = database.root.transaction().execute(async (db) => {
        await sql`select set_config('role', ${role}, true)`.execute(db);
        await sql`select * from ${sql.table(`${table}_2026_11`)}`.execute(db);
      });
      await expect(read, role).rejects.toThrow(/permission denied/);
    }
  });

  test('has the indexes of its table', async () => {
    await ensure(november, 1);
    const indexes = (name: string) =>
      rows<{ columns: string }>(`
        select substring(pg_get_indexdef(indexrelid) from 'USING .*') || indisunique::text as columns
        from pg_index where indrelid = '${name}'::regclass order by 1`);
    expect(await indexes(`${table}_2026_11`)).toEqual(await indexes(table));
  });
});

test('a table that is not partitioned by a time is refused', async () => {
  await expect(
    ensureMonthPartitions(database.root, { table: 'organizations', from: november, months: 1 }),
  ).rejects.toThrow(/not partitioned/);
  expect(await listMonthPartitions(database.root, 'organizations')).toEqual([]);
});

test('a month is dropped with what is in it, and no other; to drop it again does nothing', async () => {
  const made = await ensure(november, 3);
  const dropped = `${table}_2026_12`;
  await insertAt(
    ['2026-11-05T00:00:00Z', '2026-12-05T00:00:00Z', '2027-01-05T00:00:00Z'].map((text) => new Date(text)),
  );
  for (let round = 0; round < 2; round += 1) await dropMonthPartition(database.root, { table, name: dropped });
  expect((await listEntries()).map(({ place }) => place)).toEqual(made.filter((name) => name !== dropped));
  await insertAt([new Date('2026-12-06T00:00:00Z')]);
  expect((await listEntries()).map(({ place }) => place)).toContain(`${table}_default`);
});
