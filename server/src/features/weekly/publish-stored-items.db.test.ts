import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import type { Database } from '#platform/db/database.ts';
import { migrate, migrationsFolder, splitStatements } from '#platform/db/migrate.ts';
import { createLog } from '#platform/log/log.ts';
import type { CountedItem } from '#testing/recount-week.ts';
import { openBlankDatabase } from '#testing/test-database.ts';
import { readWeeklyMetrics, recountDays } from '#testing/weekly-metrics.ts';

const log = createLog({ level: 'silent' });
const migration = '0018_weekly_points.sql';
let database: Database;

/** A database as it was left before the weekly dashboard published its numbers. */
beforeAll(async () => {
  database = await openBlankDatabase();
  await migrateTo((name) => name < migration);
});
afterAll(() => database.close());

/** Migrates as an older version of the product does, which had only some of the files. */
async function migrateTo(isKnown: (name: string) => boolean): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'migrations-'));
  for (const name of (await readdir(migrationsFolder)).filter(isKnown)) {
    await cp(join(migrationsFolder, name), join(folder, name));
  }
  const applied = await migrate({ root: database.root, log, folder });
  await rm(folder, { recursive: true });
  return applied;
}

const zones = ['UTC', 'America/Havana', 'Africa/Cairo', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Kiritimati'];

async function makeOrganization(timezone: string): Promise<string> {
  const [id, source] = [newId(), newId()];
  await sql`
    insert into organizations (id, slug, name, timezone) values (${id}, ${id}, 'Test', ${timezone})`.execute(
    database.root,
  );
  await sql`
    insert into sources (organization_id, id, kind, name) values (${id}, ${source}, 'push', 'Posted items')`.execute(
    database.root,
  );
  await sql`
    insert into activity_weeks (organization_id, week_start_date, version)
    select ${id}::uuid, '2024-10-07'::date + n * 7, 1 from generate_series(0, 6) n`.execute(database.root);
  // The running week as it was stored last, and one that was computed anew once it was over.
  await sql`
    insert into weekly_snapshots (organization_id, week_start_date, version, data, generated_at)
    select ${id}::uuid, week::date, 1, jsonb_build_object('stats', jsonb_build_object(
      'contributors', contributors, 'pendingReviews', 7)), timestamptz '2024-11-20T10:00:00Z'
    from (values ('2024-11-18', 3), ('2024-11-11', 5)) weeks (week, contributors)`.execute(database.root);
  // Half hours of seven weeks, in which the clocks of several zones change; many items lie in the same ones.
  await sql`
    insert into activity_items (organization_id, id, kind, title, author, category, impact, status, source_id, occurred_at,
      resolved_at)
    select ${id}::uuid, gen_random_uuid(), kind, 'T', 'A', 'C', 'low', 'done', ${source}::uuid, at,
      case when kind = 'review' and n % 3 > 0 then at + n * interval '10 minutes' end
    from (select n, (array['upload', 'update', 'decision', 'completion', 'review'])[1 + n % 5] as kind,
      timestamptz '2024-10-07T00:00:00Z' + (n * 97 % 2352) * interval '30 minutes' as at
      from generate_series(1, 600) n) items`.execute(database.root);
  return id;
}

async function readItems(organizationId: string): Promise<CountedItem[]> {
  const { rows } = await sql<CountedItem>`
    select kind, author, category, impact, to_json(occurred_at) #>> '{}' as occurred_at,
      to_json(resolved_at) #>> '{}' as resolved_at
    from activity_items where organization_id = ${organizationId}`.execute(database.root);
  return rows;
}

async function readAll(table: string): Promise<unknown[]> {
  const { rows } = await sql`select to_jsonb(t) - 'created_at' as row from ${sql.table(table)} t order by 1`.execute(
    database.root,
  );
  return rows;
}

/** What differs between the rollups and a recount of the points. */
async function listDifferences(): Promise<unknown[]> {
  const { rows } = await sql`
    select * from (
      select p.organization_id, p.series_id, g.granularity, date_trunc(g.granularity, p.recorded_at, o.timezone) as bucket,
        count(*) as count, sum(p.metric_value) as sum, max(p.recorded_at) as last_at
      from dashboard_metrics p join organizations o on o.id = p.organization_id
      cross join (values ('hour'), ('day')) g (granularity) group by 1, 2, 3, 4
    ) p full join metric_rollups r on r.organization_id = p.organization_id and r.series_id = p.series_id
      and r.granularity = p.granularity and r.bucket_start = p.bucket
    where (p.count, p.sum, p.last_at) is distinct from (r.count, r.sum, r.last_at)`.execute(database.root);
  return rows;
}

test('items that were there before are published in the days and hours in which they lie, once', async () => {
  const organizations: { timezone: string; id: string }[] = [];
  for (const timezone of zones) organizations.push({ timezone, id: await makeOrganization(timezone) });
  const empty = newId();
  await sql`insert into organizations (id, slug, name) values (${empty}, ${empty}, 'Empty')`.execute(database.root);
  expect(await migrateTo((name) => name <= migration)).toEqual([migration]);
  for (const { timezone, id } of organizations) {
    const { days, least, gauges } = await readWeeklyMetrics(database.root, id);
    expect(gauges).toEqual({ contributors: 3, pending_reviews: 7 });
    expect(days).toEqual(recountDays(await readItems(id), timezone));
    expect(least).toBe(0);
  }
  expect((await readWeeklyMetrics(database.root, empty)).days).toEqual({});
  expect(await listDifferences()).toEqual([]);
  const tables = ['metric_catalog', 'metric_series', 'dashboard_metrics', 'metric_rollups'];
  const before = await Promise.all(tables.map(readAll));
  const statements = splitStatements(await readFile(join(migrationsFolder, migration), 'utf8'));
  for (const statement of statements) await sql.raw(statement).execute(database.root);
  expect(await Promise.all(tables.map(readAll))).toEqual(before);
});
