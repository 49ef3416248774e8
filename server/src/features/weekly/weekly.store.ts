import type { WeekStats } from '@almanac/contract/weekly.ts';
import { type RawBuilder, sql } from 'kysely';
import type { AffectedDays } from '#features/activity/index.ts';
import { shiftWeek, type Week, type WeekCalendar, weekAt, weekOfDate } from '#kernel/weeks.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import type { WeekSnapshot } from './shape-week.ts';

/** A week's new version. */
interface RaisedWeek {
  readonly week_start_date: string;
  readonly version: number;
}

/** The weeks that rest on a change, and the first days of those that came on record with it. */
export interface RaisedWeeks {
  readonly raised: readonly RaisedWeek[];
  readonly opened: readonly string[];
}

/** How far back a changed week has all later ones put on record: ten years. */
const mostWeeksOpened = 520;

/** The newest version of any week on record. A week that comes on record begins with it, so that its own never falls. */
const newestVersion = (tx: OrganizationTx) => sql`
  coalesce((select max(version) from activity_weeks where organization_id = ${tx.organizationId}), 0)`;

/** When the newest input of the weeks before a day arrived, on which the week of that day rests too. */
const changedBefore = (tx: OrganizationTx, day: RawBuilder<unknown>) => sql`
  (select max(changed_at) from activity_weeks b where b.organization_id = ${tx.organizationId} and b.week_start_date < ${day})`;

interface RaiseWeeks {
  readonly affected: AffectedDays;
  readonly calendar: WeekCalendar;
  readonly now: Date;
  /** How many weeks after a changed one are compared with it. */
  readonly reachWeeks: number;
}

/**
 * Raises the version of every week whose numbers or sentences rest on the changed days: the weeks of those days, the
 * ones after each that are compared with it, and for reviews all later ones.
 */
export async function raiseWeeks(
  tx: OrganizationTx,
  { affected, calendar, now, reachWeeks }: RaiseWeeks,
): Promise<RaisedWeeks> {
  if (affected.days.length === 0) return { raised: [], opened: [] };
  const startOf = (day: string) => weekOfDate(Temporal.PlainDate.from(day), calendar).startDate;
  const weeks = [...new Set(affected.days.map(startOf))].sort();
  const reviewsFrom = affected.reviewsFrom === null ? null : startOf(affected.reviewsFrom);
  const current = weekAt(now.getTime(), calendar);
  const openedFrom = [weeks[0] ?? current.startDate, shiftWeek(current, -mostWeeksOpened).startDate].sort().at(-1);
  await lockWeeks(tx);
  const opened = await sql<{ week_start_date: string }>`
    insert into activity_weeks (organization_id, week_start_date, version, changed_at)
    select ${tx.organizationId}::uuid, day, ${newestVersion(tx)}, ${changedBefore(tx, sql`day`)}
    from (select unnest(${weeks}::date[])
      union select generate_series(${openedFrom}::date, ${current.startDate}::date, interval '7 days')::date) w (day)
    order by day on conflict do nothing
    returning week_start_date`.execute(tx.db);
  const { rows } = await sql<RaisedWeek>`
    with stale as (
      select week_start_date from activity_weeks
      where organization_id = ${tx.organizationId} and (
        week_start_date >= ${reviewsFrom}::date
        or exists (select from unnest(${weeks}::date[]) changed
          where week_start_date between changed and changed + ${reachWeeks * 7}::int))
      order by week_start_date for update
    )
    update activity_weeks w set version = newest.version + 1, changed_at = ${now}
    from stale, (select ${newestVersion(tx)} as version) newest
    where w.organization_id = ${tx.organizationId} and w.week_start_date = stale.week_start_date
    returning w.week_start_date, w.version`.execute(tx.db);
  return { raised: rows, opened: opened.rows.map((row) => row.week_start_date) };
}

/** One change at a time, so that the newest version tells of every change. */
async function lockWeeks({ db, organizationId }: OrganizationTx): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`activity weeks/${organizationId}`}, 0))`.execute(db);
}

/** How far the local day of a moment may be another one in another time zone. */
const mostDaysApart = 2;

/**
 * Puts weeks of another calendar, up to the running one, in the place of those on record: the one that holds the middle of
 * each, and those beside it in which items lie. They have a version that no week had before, or 0 still where nothing ever
 * happened. What was stored goes. Answers the new ones.
 */
export async function replaceWeeks(tx: OrganizationTx, current: Week): Promise<RaisedWeek[]> {
  await lockWeeks(tx);
  const { firstDayOfWeek, timezone } = current.calendar;
  const middle = 3;
  const day = sql`(w.week_start_date + n)`;
  // Two hours more, because a midnight that comes twice is the first one here and the second one to the database.
  const hasItems = sql`exists (
    select from activity_items i where i.organization_id = ${tx.organizationId}
      and i.occurred_at >= (d.week_start_date - interval '2 hours') at time zone ${timezone}
      and i.occurred_at < (d.week_start_date + interval '7 days') at time zone ${timezone})`;
  const { rows } = await sql<RaisedWeek>`
    with days as (
      select ${day} - (extract(isodow from ${day})::int - ${firstDayOfWeek}::int + 7) % 7 as week_start_date,
        n = ${middle} as is_certain
      from activity_weeks w cross join unnest(array[${-mostDaysApart}::int, ${middle}, ${6 + mostDaysApart}::int]) n
      where w.organization_id = ${tx.organizationId}
      union all
      select ${current.startDate}::date, true
      where exists (select from activity_weeks where organization_id = ${tx.organizationId})
    )
    insert into activity_weeks (organization_id, week_start_date, version, changed_at)
    select ${tx.organizationId}::uuid, week_start_date, newest.version + (newest.version > 0)::int,
      ${changedBefore(tx, sql`week_start_date + ${7 + mostDaysApart}::int`)}
    from (select week_start_date, bool_or(is_certain) as is_certain from days group by 1) d,
      (select ${newestVersion(tx)} as version) newest
    where week_start_date <= ${current.startDate}::date and (is_certain or ${hasItems})
    order by week_start_date
    on conflict (organization_id, week_start_date) do update
    set version = excluded.version, changed_at = excluded.changed_at
    returning week_start_date, version`.execute(tx.db);
  const replaced = rows.map((row) => row.week_start_date);
  await sql`
    delete from activity_weeks where organization_id = ${tx.organizationId}
      and week_start_date <> all(${replaced}::date[])`.execute(tx.db);
  await sql`delete from weekly_snapshots where organization_id = ${tx.organizationId}`.execute(tx.db);
  return rows;
}

/**
 * SQL that is true of an organization `o` whose running week is not stored as it is now; an hour late where a week begins
 * right before clocks go back over midnight, since the old day's name returns then.
 */
export const lacksRunningWeek = (now: Date): RawBuilder<unknown> => sql`not exists (
  select from activity_weeks w
  join weekly_snapshots s on s.organization_id = w.organization_id and s.week_start_date = w.week_start_date
    and s.version = w.version
  cross join (select (${now}::timestamptz at time zone o.timezone)::date as day) today
  where w.organization_id = o.id
    and w.week_start_date = today.day - (extract(isodow from today.day)::int - o.first_day_of_week + 7) % 7)`;

/** A stored week with the version and time of its newest input. */
export interface StoredWeek {
  readonly version: number;
  readonly changed_at: Date | null;
  /** Undefined where the stored numbers, if any, are older than the week. */
  readonly snapshot: WeekSnapshot | undefined;
  /** The numbers as they were stored last, whether they are older or not. */
  readonly storedStats: WeekStats | undefined;
}

/** Finds a week as it was stored; undefined for a week in which nothing can have happened. */
export async function findStoredWeek(tx: OrganizationTx, weekStart: string): Promise<StoredWeek | undefined> {
  const { rows } = await sql<{
    version: number;
    changed_at: Date | null;
    data: WeekSnapshot | null;
    stats: WeekStats | null;
  }>`
    select w.version, w.changed_at, case when s.version = w.version then s.data end as data, s.data -> 'stats' as stats
    from activity_weeks w
    left join weekly_snapshots s on s.organization_id = w.organization_id and s.week_start_date = w.week_start_date
    where w.organization_id = ${tx.organizationId} and w.week_start_date = ${weekStart}`.execute(tx.db);
  const [row] = rows;
  if (!row) return undefined;
  const { version, changed_at, data, stats } = row;
  return { version, changed_at, snapshot: data ?? undefined, storedStats: stats ?? undefined };
}

interface PutSnapshot {
  readonly weekStart: string;
  readonly version: number;
  readonly snapshot: WeekSnapshot;
  readonly now: Date;
}

/** Stores a week as computed; false where a newer version is stored already. */
export async function putSnapshot(
  tx: OrganizationTx,
  { weekStart, version, snapshot, now }: PutSnapshot,
): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    insert into weekly_snapshots (organization_id, week_start_date, version, data, generated_at)
    select organization_id, week_start_date, ${version}::bigint, ${JSON.stringify(snapshot)}::jsonb, ${now}::timestamptz
    from activity_weeks where organization_id = ${tx.organizationId} and week_start_date = ${weekStart}
    on conflict (organization_id, week_start_date) do update
    set version = excluded.version, data = excluded.data, generated_at = excluded.generated_at
    where weekly_snapshots.version <= excluded.version`.execute(tx.db);
  return numAffectedRows > 0n;
}

/** Makes sure that the running week exists, so that it has a version from its first hour on; true where it did not. */
export async function ensureWeek(tx: OrganizationTx, weekStart: string): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    insert into activity_weeks (organization_id, week_start_date, version, changed_at)
    values (${tx.organizationId}, ${weekStart}, ${newestVersion(tx)}, ${changedBefore(tx, sql`${weekStart}::date`)})
    on conflict do nothing`.execute(tx.db);
  return numAffectedRows > 0n;
}

/** Removes stored weeks that are older than their week: they are computed again when they are asked for. */
export async function removeStaleSnapshots({ db, organizationId }: OrganizationTx): Promise<void> {
  await sql`
    delete from weekly_snapshots s using activity_weeks w
    where s.organization_id = ${organizationId} and w.organization_id = s.organization_id
      and w.week_start_date = s.week_start_date and s.version < w.version`.execute(db);
}

interface StaleWeeks {
  /** Only weeks before this day. */
  before: string | undefined;
  limit: number;
}

/** The first days of weeks whose stored numbers are missing or older than the week, the newest first. */
export async function listStaleWeeks(tx: OrganizationTx, { before, limit }: StaleWeeks): Promise<string[]> {
  const { rows } = await sql<{ week_start_date: string }>`
    select w.week_start_date from activity_weeks w
    left join weekly_snapshots s on s.organization_id = w.organization_id and s.week_start_date = w.week_start_date
    where w.organization_id = ${tx.organizationId} and (s.version is null or s.version < w.version)
      and (${before ?? null}::date is null or w.week_start_date < ${before ?? null}::date)
    order by w.week_start_date desc limit ${limit}`.execute(tx.db);
  return rows.map((row) => row.week_start_date);
}

/**
 * Removes weeks from before a day, with what was stored of them. The newest week is raised, because the newest version
 * stands for weeks that are no longer on record.
 */
export async function removeWeeksBefore(tx: OrganizationTx, day: string): Promise<void> {
  await sql`delete from weekly_snapshots where organization_id = ${tx.organizationId} and week_start_date < ${day}`.execute(
    tx.db,
  );
  await sql`
    with removed as (
      delete from activity_weeks where organization_id = ${tx.organizationId} and week_start_date < ${day} returning 1
    )
    update activity_weeks set version = ${newestVersion(tx)} + 1
    where organization_id = ${tx.organizationId} and exists (select from removed) and week_start_date = (
      select max(week_start_date) from activity_weeks where organization_id = ${tx.organizationId})`.execute(tx.db);
}
