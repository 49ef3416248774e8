import { sql } from 'kysely';
import { getOrganizationSettings } from '#features/organizations/index.ts';
import { dayAt } from '#kernel/days.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import { keptDays } from './check-events.ts';
import { daysOf } from './engagement.store.ts';

interface At {
  readonly now: Date;
  readonly timezone: string;
}

/** Local days from one on, until another that is not among them; without it all that follow. */
interface DayRange {
  readonly from: Temporal.PlainDate;
  readonly until: Temporal.PlainDate | undefined;
  readonly timezone: string;
}

/**
 * Counts who was active today and yesterday by the days of another time zone, and marks older days to be counted so. The
 * calendar is locked.
 */
export async function beginRecount(tx: OrganizationTx, { now, timezone }: At): Promise<void> {
  const from = dayAt(now.getTime(), timezone).subtract({ days: 1 });
  await recount(tx, { from, until: undefined, timezone });
  await sql`
    insert into activity_recounts (organization_id, recounted_from) values (${tx.organizationId}, ${from.toString()})
    on conflict (organization_id) do update set recounted_from = excluded.recounted_from`.execute(tx.db);
}

/** True where days are to be counted anew. */
export async function hasRecount(tx: OrganizationTx): Promise<boolean> {
  return (await findMark(tx)) !== undefined;
}

/** The day from which on the days are counted; undefined where all are. */
async function findMark({ db, organizationId }: OrganizationTx): Promise<string | undefined> {
  const { rows } = await sql<{ recounted_from: string }>`
    select recounted_from from activity_recounts where organization_id = ${organizationId}`.execute(db);
  return rows[0]?.recounted_from;
}

/**
 * Counts as many days anew, the newest first, and says whether they were the last; undefined where nothing is left to do.
 * Days that the kept activity does not tell of whole stay as they were counted. The calendar is locked: nobody writes activity of
 * the organization meanwhile.
 */
export async function recountSome(
  tx: OrganizationTx,
  { now, days }: { now: Date; days: number },
): Promise<{ isLast: boolean } | undefined> {
  const { timezone } = await getOrganizationSettings(tx);
  const mark = await findMark(tx);
  if (mark === undefined) return undefined;
  const until = Temporal.PlainDate.from(mark);
  // A day later than activity is kept, because it may be dropped meanwhile.
  const oldest = dayAt(now.getTime() - (keptDays - 1) * 86_400_000, timezone).add({ days: 1 });
  const wanted = until.subtract({ days });
  const isLast = Temporal.PlainDate.compare(wanted, oldest) <= 0;
  await recount(tx, { from: isLast ? oldest : wanted, until, timezone });
  await (isLast
    ? sql`delete from activity_recounts where organization_id = ${tx.organizationId}`
    : sql`update activity_recounts set recounted_from = ${wanted.toString()} where organization_id = ${tx.organizationId}`
  ).execute(tx.db);
  return { isLast };
}

async function recount(tx: OrganizationTx, { from, until, timezone }: DayRange): Promise<void> {
  const { db, organizationId } = tx;
  const [first, end] = [from.toString(), until?.toString() ?? 'infinity'];
  await sql`
    delete from activity_daily_users
    where organization_id = ${organizationId} and day >= ${first}::date and day < ${end}::date`.execute(db);
  // The range serves the index; the local day decides, also at days that begin twice or not at midnight.
  const events = sql`(
    select user_id, created_at from user_activity_logs
    where organization_id = ${organizationId}
      and created_at >= (${first}::timestamp - interval '1 day') at time zone ${timezone}
      and created_at < (${end}::timestamp + interval '1 day') at time zone ${timezone}
      and (created_at at time zone ${timezone})::date >= ${first}::date
      and (created_at at time zone ${timezone})::date < ${end}::date) e`;
  await sql`
    insert into activity_daily_users (organization_id, day, user_id, events, first_at, last_at)
    ${daysOf(tx, events, timezone)} order by 2, 3`.execute(db);
}
