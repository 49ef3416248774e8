import { type RawBuilder, sql } from 'kysely';
import { startOfKeptActivity } from '#features/engagement/index.ts';
import { dropMonthPartition, listMonthPartitions } from '#platform/db/month-partitions.ts';
import type { Platform } from './compose-platform.ts';

type Root = Platform['database']['root'];

const table = 'user_activity_logs';
const dayMs = 86_400_000;
/** How long it is kept who was active on which day: a year, and the year before that it is compared with. */
const dailyKeptDays = 2 * 366 + 1;
const deletedAtOnce = 5_000;
/** Takes what no month has been made for. */
const rest = `${table}_default`;

/** What was removed. */
export interface DroppedActivity {
  /** Months of events, dropped whole. */
  readonly months: number;
  /** Counters by day and by minute, and events that lay in no month of their own. */
  readonly rows: number;
}

/** Drops the months of activity that ended 90 days ago, and removes the counters that nothing reads any more. */
export async function dropOldActivityMonths(root: Root, now: Date): Promise<DroppedActivity> {
  const before = startOfKeptActivity(now);
  const old = (await listMonthPartitions(root, table)).filter(({ to }) => to <= before);
  for (const { name } of old) await dropMonthPartition(root, { table, name });
  const oldestDay = new Date(now.getTime() - dailyKeptDays * dayMs).toISOString().slice(0, 10);
  const rows =
    (await deleteInSteps(root, sql`select ctid from ${sql.table(rest)} where created_at < ${before}`, rest)) +
    (await deleteInSteps(root, oldOf('activity_daily_users', sql`day < ${oldestDay}::date`), 'activity_daily_users')) +
    (await deleteInSteps(
      root,
      oldOf('activity_minutes', sql`minute < ${new Date(now.getTime() - dayMs)}`),
      'activity_minutes',
    ));
  return { months: old.length, rows };
}

/** What is old of a table whose key begins with the organization, organization by organization, along that key. */
function oldOf(from: string, isOld: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    select old.ctid from organizations o
    cross join lateral (select ctid from ${sql.table(from)} where organization_id = o.id and ${isOld}) old`;
}

async function deleteInSteps(root: Root, old: RawBuilder<unknown>, from: string): Promise<number> {
  let rows = 0;
  for (;;) {
    const { numAffectedRows = 0n } = await sql`
      delete from ${sql.table(from)} where ctid = any(array(${old} limit ${deletedAtOnce}))`.execute(root);
    rows += Number(numAffectedRows);
    if (Number(numAffectedRows) < deletedAtOnce) return rows;
  }
}
