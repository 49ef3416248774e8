import { sql } from 'kysely';
import { startOfKeptMonths } from '#features/metrics/index.ts';
import type { RootHandle } from '#platform/db/database.ts';
import {
  ensureMonthPartitions,
  listMonthPartitions,
  listWritableColumns,
  moveMonthPartition,
} from '#platform/db/month-partitions.ts';

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
 * Moves the points of months that ended more than 13 months ago into the history. Those that lie in no month of their
 * own, because they came late, get one where it is young enough, and follow into the history where it is not.
 */
export async function archiveOldMetrics(root: RootHandle, now: Date): Promise<ArchivedMetrics> {
  const oldest = startOfKeptMonths(now);
  const old = (await listMonthPartitions(root, table)).filter(({ to }) => to <= oldest);
  for (const month of old) await moveMonthPartition(root, { month, from: table, to: history });
  const points = await moveLatePoints(root, oldest);
  for (let late = await findLate(root, oldest); late !== undefined; late = await findLate(root, oldest))
    await ensureMonthPartitions(root, { table, from: late, months: 1 });
  return { months: old.length, points };
}

async function moveLatePoints(root: RootHandle, oldest: Date): Promise<number> {
  const columns = sql.join((await listWritableColumns(root, table)).map((each) => sql.ref(each)));
  const late = sql.table(`${table}_default`);
  let points = 0;
  for (;;) {
    const { numAffectedRows = 0n } = await sql`
      with moved as (
        delete from ${late} where ctid = any(array(
          select ctid from ${late} where recorded_at < ${oldest} limit ${movedAtOnce})) returning ${columns}
      )
      insert into ${sql.table(history)} (${columns}) select * from moved
      on conflict do nothing`.execute(root);
    points += Number(numAffectedRows);
    if (Number(numAffectedRows) < movedAtOnce) return points;
  }
}

/**
 * The time of the earliest point of a kept month that no month has been made for. Older ones may have come meanwhile:
 * they wait for the next archiving, as a month of theirs could not be taken into a history that holds such already.
 */
async function findLate(root: RootHandle, oldest: Date): Promise<Date | undefined> {
  const { rows } = await sql<{ at: Date | null }>`
    select min(recorded_at) as at from ${sql.table(`${table}_default`)} where recorded_at >= ${oldest}`.execute(root);
  return rows[0]?.at ?? undefined;
}
