import { sql } from 'kysely';
import { startOfKeptMonths } from '#features/metrics/index.ts';
import type { RootHandle } from '#platform/db/database.ts';
import { listMonthPartitions, listWritableColumns, moveMonthPartition } from '#platform/db/month-partitions.ts';

const [table, history] = ['dashboard_metrics', 'dashboard_metrics_history'];
const movedAtOnce = 5_000;

/** What was moved. */
export interface ArchivedMetrics {
  /** Months, moved whole. */
  readonly months: number;
  /** Points that came late, for a month that is no partition of its own. */
  readonly points: number;
}

/**
 * Moves the points of months that ended more than 13 months ago into the history, and those that came late for such a
 * month.
 */
export async function archiveOldMetrics(root: RootHandle, now: Date): Promise<ArchivedMetrics> {
  const oldest = startOfKeptMonths(now);
  const old = (await listMonthPartitions(root, table)).filter(({ to }) => to <= oldest);
  for (const month of old) await moveMonthPartition(root, { month, from: table, to: history });
  return { months: old.length, points: await moveLatePoints(root, oldest) };
}

async function moveLatePoints(root: RootHandle, oldest: Date): Promise<number> {
  const columns = sql.join((await listWritableColumns(root, table)).map((each) => sql.ref(each)));
  const late = sql.table(`${table}_default`);
  let points = 0;
  for (;;) {
    const moved = await root.transaction().execute(async (db) => {
      // A writer of the same point waits here, and finds it in the history when it goes on.
      await sql`lock table only ${sql.table(table)} in share row exclusive mode`.execute(db);
      const { rows } = await sql<{ count: number }>`
        with moved as (
          delete from ${late} where ctid = any(array(
            select ctid from ${late} where recorded_at < ${oldest} limit ${movedAtOnce})) returning ${columns}
        ),
        kept as (
          insert into ${sql.table(history)} (${columns}) select * from moved on conflict do nothing
        )
        select count(*) as count from moved`.execute(db);
      return rows[0]?.count ?? 0;
    });
    points += moved;
    if (moved < movedAtOnce) return points;
  }
}
