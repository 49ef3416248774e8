import { sql } from 'kysely';
import { newId } from '#kernel/ids.ts';
import { type WeekCalendar, weekAt, weekOfDate } from '#kernel/weeks.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import type { WeekSnapshot } from './shape-week.ts';

/** An item as it is stored; one without an external id is always a new one. */
export interface ItemRecord {
  readonly external_id: string | null;
  readonly kind: 'upload' | 'update' | 'decision' | 'completion' | 'review';
  readonly title: string;
  readonly author: string;
  readonly category: string;
  readonly impact: 'high' | 'medium' | 'low';
  readonly status: string;
  readonly url: string | null;
  readonly occurred_at: string;
  readonly resolved_at: string | null;
}

/** Where changed items lie: local days, and for reviews, which count until they are resolved, the first such day. */
export interface AffectedDays {
  readonly days: readonly string[];
  readonly reviewsFrom: string | null;
}

/** What writing items did. */
export interface ItemsWritten extends AffectedDays {
  readonly inserted: number;
  readonly updated: number;
}

interface PutItems {
  readonly sourceId: string;
  readonly items: readonly ItemRecord[];
  /** The source's read that met the items. */
  readonly readNumber?: number;
  readonly timezone: string;
}

/**
 * Writes items in one statement: new ones are inserted, known ones (by source and external id) updated where anything
 * differs. No two of them may share an external id.
 */
export async function putItems(
  tx: OrganizationTx,
  { sourceId, items, readNumber = 0, timezone }: PutItems,
): Promise<ItemsWritten> {
  const rows = items.map((item) => ({ ...item, id: newId() }));
  const { rows: answer } = await sql<ItemsWritten>`
    with incoming as materialized (
      select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as x (
        id uuid, external_id text, kind text, title text, author text, category text, impact text, status text,
        url text, occurred_at timestamptz, resolved_at timestamptz)
    ),
    known as materialized (
      select a.external_id, a.kind, a.occurred_at,
        (a.kind, a.title, a.author, a.category, a.impact, a.status, a.url, a.occurred_at, a.resolved_at)
          is not distinct from
        (i.kind, i.title, i.author, i.category, i.impact, i.status, i.url, i.occurred_at, i.resolved_at) as is_same
      from activity_items a join incoming i on i.external_id = a.external_id
      where a.organization_id = ${tx.organizationId} and a.source_id = ${sourceId}
      for update of a
    ),
    written as (
      insert into activity_items (organization_id, id, source_id, external_id, kind, title, author, category, impact,
        status, url, occurred_at, resolved_at, read_number)
      select ${tx.organizationId}::uuid, id, ${sourceId}::uuid, external_id, kind, title, author, category, impact,
        status, url, occurred_at, resolved_at, ${readNumber}::int
      from incoming order by external_id, id
      on conflict (organization_id, source_id, external_id) do update set
        kind = excluded.kind, title = excluded.title, author = excluded.author, category = excluded.category,
        impact = excluded.impact, status = excluded.status, url = excluded.url, occurred_at = excluded.occurred_at,
        resolved_at = excluded.resolved_at, read_number = excluded.read_number
      where (activity_items.kind, activity_items.title, activity_items.author, activity_items.category,
          activity_items.impact, activity_items.status, activity_items.url, activity_items.occurred_at,
          activity_items.resolved_at, activity_items.read_number)
        is distinct from (excluded.kind, excluded.title, excluded.author, excluded.category, excluded.impact,
          excluded.status, excluded.url, excluded.occurred_at, excluded.resolved_at, excluded.read_number)
      returning external_id, kind, occurred_at, xmax = 0 as is_new
    ),
    changed as (
      select w.kind, w.occurred_at, w.is_new, k.kind as old_kind, k.occurred_at as old_occurred_at
      from written w left join known k on k.external_id = w.external_id
      where k.is_same is not true
    ),
    touched as (
      select kind, (occurred_at at time zone ${timezone})::date as day from changed
      union select old_kind, (old_occurred_at at time zone ${timezone})::date from changed where old_kind is not null
    )
    select count(*) filter (where is_new) as inserted, count(*) filter (where not is_new) as updated,
      ${touchedDays} from changed`.execute(tx.db);
  return answer[0] ?? { inserted: 0, updated: 0, days: [], reviewsFrom: null };
}

const touchedDays = sql`
  (select coalesce(jsonb_agg(distinct day), '[]') from touched) as days,
  (select min(day) from touched where kind = 'review') as "reviewsFrom"`;

interface RemoveItems {
  readonly sourceId: string;
  readonly timezone: string;
  /** The external ids to remove … */
  readonly externalIds?: readonly string[];
  /** … or all that were last met before this read. */
  readonly notMetSince?: number;
}

/** Removes items of a source that no longer exist there. */
export async function removeItems(
  tx: OrganizationTx,
  { sourceId, timezone, externalIds, notMetSince }: RemoveItems,
): Promise<AffectedDays> {
  const isGone =
    externalIds === undefined
      ? sql`read_number < ${notMetSince ?? 0}`
      : sql`external_id = any(${[...externalIds]}::text[])`;
  const { rows } = await sql<AffectedDays>`
    with removed as (
      delete from activity_items
      where organization_id = ${tx.organizationId} and source_id = ${sourceId} and ${isGone}
      returning kind, occurred_at
    ),
    touched as (select distinct kind, (occurred_at at time zone ${timezone})::date as day from removed)
    select ${touchedDays}`.execute(tx.db);
  return rows[0] ?? { days: [], reviewsFrom: null };
}

/** A week's new version. */
export interface RaisedWeek {
  readonly week_start_date: string;
  readonly version: number;
}

/** How many weeks after a changed one are compared with it. */
const weeksThatCompare = 8;

interface RaiseWeeks {
  readonly affected: AffectedDays;
  readonly calendar: WeekCalendar;
  readonly now: Date;
}

/**
 * Raises the version of every week whose numbers or sentences rest on the changed days: the weeks of those days, the
 * eight after each, which are compared with it, and for reviews all later ones. Answers the weeks raised.
 */
export async function raiseWeeks(tx: OrganizationTx, { affected, calendar, now }: RaiseWeeks): Promise<RaisedWeek[]> {
  if (affected.days.length === 0) return [];
  const startOf = (day: string) => weekOfDate(Temporal.PlainDate.from(day), calendar).startDate;
  const weeks = [...new Set(affected.days.map(startOf))].sort();
  const reviewsFrom = affected.reviewsFrom === null ? null : startOf(affected.reviewsFrom);
  const current = weekAt(now.getTime(), calendar).startDate;
  await sql`
    insert into activity_weeks (organization_id, week_start_date, version, changed_at)
    select ${tx.organizationId}::uuid, d::date, 0, null
    from generate_series(${weeks[0]}::date, greatest(${weeks.at(-1)}::date, ${current}::date), interval '7 days') d
    order by 1, 2 on conflict do nothing`.execute(tx.db);
  const { rows } = await sql<RaisedWeek>`
    with stale as (
      select week_start_date from activity_weeks
      where organization_id = ${tx.organizationId} and (
        week_start_date >= ${reviewsFrom}::date
        or exists (select from unnest(${weeks}::date[]) changed
          where week_start_date between changed and changed + ${weeksThatCompare * 7}::int))
      order by week_start_date for update
    )
    update activity_weeks w set version = w.version + 1, changed_at = ${now}
    from stale
    where w.organization_id = ${tx.organizationId} and w.week_start_date = stale.week_start_date
    returning w.week_start_date, w.version`.execute(tx.db);
  return rows;
}

/** A stored week with the version and time of its newest input. */
export interface StoredWeek {
  readonly version: number;
  readonly changed_at: Date | null;
  /** Undefined where the stored numbers, if any, are older than the week. */
  readonly snapshot: WeekSnapshot | undefined;
}

/** Finds a week as it was stored; undefined for a week in which nothing can have happened. */
export async function findStoredWeek(tx: OrganizationTx, weekStart: string): Promise<StoredWeek | undefined> {
  const { rows } = await sql<{ version: number; changed_at: Date | null; data: WeekSnapshot | null }>`
    select w.version, w.changed_at, s.data
    from activity_weeks w
    left join weekly_snapshots s on s.organization_id = w.organization_id
      and s.week_start_date = w.week_start_date and s.version = w.version
    where w.organization_id = ${tx.organizationId} and w.week_start_date = ${weekStart}`.execute(tx.db);
  const [row] = rows;
  return row && { version: row.version, changed_at: row.changed_at, snapshot: row.data ?? undefined };
}

interface PutSnapshot {
  readonly weekStart: string;
  readonly version: number;
  readonly snapshot: WeekSnapshot;
  readonly now: Date;
}

/** Stores a week as computed, unless a newer version is stored already. */
export async function putSnapshot(
  tx: OrganizationTx,
  { weekStart, version, snapshot, now }: PutSnapshot,
): Promise<void> {
  await sql`
    insert into weekly_snapshots (organization_id, week_start_date, version, data, generated_at)
    select organization_id, week_start_date, ${version}::bigint, ${JSON.stringify(snapshot)}::jsonb, ${now}::timestamptz
    from activity_weeks where organization_id = ${tx.organizationId} and week_start_date = ${weekStart}
    on conflict (organization_id, week_start_date) do update
    set version = excluded.version, data = excluded.data, generated_at = excluded.generated_at
    where weekly_snapshots.version <= excluded.version`.execute(tx.db);
}

/** Makes sure that the running week exists, so that it has a version from its first hour on. */
export async function ensureWeek(tx: OrganizationTx, weekStart: string): Promise<void> {
  await sql`
    insert into activity_weeks (organization_id, week_start_date, version, changed_at)
    values (${tx.organizationId}, ${weekStart}, 0, null) on conflict do nothing`.execute(tx.db);
}

/** The first days of weeks whose stored numbers are missing or older than the week, the oldest first. */
export async function listStaleWeeks(tx: OrganizationTx, limit: number): Promise<string[]> {
  const { rows } = await sql<{ week_start_date: string }>`
    select w.week_start_date from activity_weeks w
    left join weekly_snapshots s on s.organization_id = w.organization_id and s.week_start_date = w.week_start_date
    where w.organization_id = ${tx.organizationId} and (s.version is null or s.version < w.version)
    order by w.week_start_date desc limit ${limit}`.execute(tx.db);
  return rows.map((row) => row.week_start_date);
}

/** Removes at most `limit` items from before a moment; answers how many. */
export async function removeItemsBefore(tx: OrganizationTx, before: Date, limit: number): Promise<number> {
  const { rows } = await sql<{ removed: number }>`
    with old as (
      select id from activity_items where organization_id = ${tx.organizationId} and occurred_at < ${before}
        and not (kind = 'review' and resolved_at is null)
      order by occurred_at limit ${limit} for update
    ),
    removed as (
      delete from activity_items a using old where a.organization_id = ${tx.organizationId} and a.id = old.id returning 1
    )
    select count(*) as removed from removed`.execute(tx.db);
  return rows[0]?.removed ?? 0;
}

/** Removes weeks from before a day, with what was stored of them. */
export async function removeWeeksBefore(tx: OrganizationTx, day: string): Promise<void> {
  await sql`delete from weekly_snapshots where organization_id = ${tx.organizationId} and week_start_date < ${day}`.execute(
    tx.db,
  );
  await sql`delete from activity_weeks where organization_id = ${tx.organizationId} and week_start_date < ${day}`.execute(
    tx.db,
  );
}
