import type { WeekStats } from '@almanac/contract/weekly.ts';
import { type RawBuilder, sql } from 'kysely';
import type { ItemRecord } from '#features/activity/index.ts';
import { shiftWeek, type Week } from '#kernel/weeks.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';

/** The four things of a week that are counted by day. */
export interface KindCounts {
  readonly uploads: number;
  readonly updates: number;
  readonly decisions: number;
  readonly completed: number;
}

/** An item as the database gives it. */
export interface StoredItem extends Omit<ItemRecord, 'external_id' | 'kind' | 'resolved_at'> {
  readonly id: string;
}

/** A number of items under one name. */
export interface NamedCount {
  readonly name: string;
  readonly value: number;
}

/** All that a week shows, as counted by the database in one statement. */
export interface WeekNumbers {
  /** 0 where nothing ever happened in the organization. */
  readonly version: number;
  /** When the newest input arrived; null where there is none. */
  readonly changedAt: Date | null;
  readonly stats: WeekStats;
  /** Seven days, the first day of the week first. */
  readonly days: readonly KindCounts[];
  readonly categories: readonly NamedCount[];
  readonly impacts: readonly NamedCount[];
  /** Newest first, at most 50 of each. */
  readonly lists: Readonly<
    Record<'uploads' | 'updates' | 'decisions' | 'completed' | 'pending', readonly StoredItem[]>
  >;
  /** The newest high-impact items, at most three. */
  readonly highImpact: readonly StoredItem[];
  /** The eight weeks before, the nearest last, without the empty ones at their beginning. */
  readonly weeksBefore: readonly KindCounts[];
}

/** The items that a list shows. */
const newest = sql`order by occurred_at desc, id desc limit 50`;
/** A week's highlights compare it with this many weeks before it, so a change reaches as many weeks on. */
export const weeksCompared = 8;

interface WeekRow {
  version: number;
  changed_at: Date | null;
  days: ({ day: number } & KindCounts)[];
  contributors: number;
  open_reviews: number;
  categories: NamedCount[];
  impacts: NamedCount[];
  lists: Record<'upload' | 'update' | 'decision' | 'completion', StoredItem[]>;
  pending: StoredItem[];
  high_impact: StoredItem[];
  before: ({ week: number } & KindCounts)[];
}

const timestamps = (epochMs: readonly number[]) =>
  sql`${epochMs.map((ms) => new Date(ms).toISOString())}::timestamptz[]`;
const itemColumns = sql`id, title, author, category, impact, status, url, occurred_at`;
const kindCounts = sql`
  count(*) filter (where kind = 'upload') as uploads, count(*) filter (where kind = 'update') as updates,
  count(*) filter (where kind = 'decision') as decisions, count(*) filter (where kind = 'completion') as completed`;

/** Midnights of the week's days and of the first one after it, in epoch milliseconds. */
function dayBounds({ startDate, calendar }: Week): number[] {
  const first = Temporal.PlainDate.from(startDate);
  return Array.from(
    { length: 8 },
    (_, days) => first.add({ days }).toZonedDateTime(calendar.timezone).epochMilliseconds,
  );
}

/**
 * Reviews that were open at a moment: of those begun before it, the ones not resolved until it. What became of one later
 * is not told, so that a closed week does not drift. `cut` orders and limits either half.
 */
const openReviews = (at: Date | RawBuilder<unknown>, cut = sql``) => sql`
  (select ${itemColumns} from activity_items
  where organization_id = organization.id and kind = 'review' and occurred_at < ${at} and resolved_at is null ${cut})
  union all
  (select id, title, author, category, impact, 'pending' as status, url, occurred_at from activity_items
  where organization_id = organization.id and kind = 'review' and occurred_at < ${at} and resolved_at >= ${at} ${cut})`;

/** The version of a week; of one that is not on record, the newest of all, because any change may be one of its own. */
const versionOf = (weekStart: string) => sql`
  coalesce((select version from activity_weeks
    where organization_id = organization.id and week_start_date = ${weekStart}::date),
  (select max(version) from activity_weeks where organization_id = organization.id), 0)`;

/** The time of the organization's earliest item; null where it has none. */
export async function findEarliestItem({ db, organizationId }: OrganizationTx): Promise<Date | null> {
  const { rows } = await sql<{ earliest: Date | null }>`
    select min(occurred_at) as earliest from activity_items where organization_id = ${organizationId}`.execute(db);
  return rows[0]?.earliest ?? null;
}

/** Counts a week: every number and list that it shows, in one statement and so of one moment. */
export async function readWeek(tx: OrganizationTx, week: Week): Promise<WeekNumbers> {
  const start = new Date(week.startMs);
  const end = new Date(week.endMs);
  const weekBounds = Array.from({ length: weeksCompared + 1 }, (_, n) => shiftWeek(week, n - weeksCompared).startMs);
  const { rows } = await sql<WeekRow>`
    with organization as (select ${tx.organizationId}::uuid as id),
    counted as materialized (
      select kind, category, impact, author, width_bucket(occurred_at, ${timestamps(dayBounds(week))}) as day
      from activity_items, organization
      where organization_id = organization.id and occurred_at >= ${start} and occurred_at < ${end}
    )
    select
      ${versionOf(week.startDate)} as version, w.changed_at,
      (select count(distinct author) from counted) as contributors,
      (select count(*) from (${openReviews(end)}) r) as open_reviews,
      (select coalesce(jsonb_agg(d), '[]') from (select day, ${kindCounts} from counted group by day) d) as days,
      (select coalesce(jsonb_agg(c), '[]') from (
        select category as name, count(*) as value from counted group by category order by 2 desc, category collate "C") c) as categories,
      (select coalesce(jsonb_agg(i), '[]') from (
        select impact as name, count(*) as value from counted group by impact) i) as impacts,
      (select jsonb_object_agg(k.kind, (select coalesce(jsonb_agg(l), '[]') from (
        select ${itemColumns} from activity_items
        where organization_id = organization.id and kind = k.kind and occurred_at >= ${start} and occurred_at < ${end}
        ${newest}) l))
        from (values ('upload'), ('update'), ('decision'), ('completion')) k (kind)) as lists,
      (select coalesce(jsonb_agg(p), '[]') from (
        select * from (${openReviews(end, newest)}) r ${newest}) p) as pending,
      (select coalesce(jsonb_agg(h), '[]') from (
        select ${itemColumns} from activity_items
        where organization_id = organization.id and impact = 'high' and kind <> 'review' and occurred_at >= ${start} and occurred_at < ${end}
        order by occurred_at desc, id desc limit 3) h) as high_impact,
      (select coalesce(jsonb_agg(b), '[]') from (
        select width_bucket(occurred_at, ${timestamps(weekBounds)}) as week, ${kindCounts} from activity_items
        where organization_id = organization.id and occurred_at >= ${new Date(weekBounds[0] ?? 0)} and occurred_at < ${start}
        group by 1) b) as before
    from organization
    left join activity_weeks w on w.organization_id = organization.id and w.week_start_date = ${week.startDate}`.execute(
    tx.db,
  );
  const [row] = rows;
  if (!row) throw new Error('The week could not be counted.');
  return toNumbers(row);
}

function toNumbers(row: WeekRow): WeekNumbers {
  const none: KindCounts = { uploads: 0, updates: 0, decisions: 0, completed: 0 };
  const days = Array.from({ length: 7 }, (_, index) => row.days.find(({ day }) => day === index + 1) ?? none);
  const sum = (kind: keyof KindCounts) => days.reduce((total, day) => total + day[kind], 0);
  const before = Array.from(
    { length: weeksCompared },
    (_, index) => row.before.find(({ week }) => week === index + 1) ?? none,
  );
  const firstBusy = before.findIndex(({ uploads, updates, decisions, completed }) =>
    [uploads, updates, decisions, completed].some((count) => count > 0),
  );
  return {
    version: row.version,
    changedAt: row.changed_at,
    stats: {
      newUploads: sum('uploads'),
      updates: sum('updates'),
      decisions: sum('decisions'),
      completedTasks: sum('completed'),
      contributors: row.contributors,
      pendingReviews: row.open_reviews,
    },
    days,
    categories: row.categories,
    impacts: row.impacts,
    lists: {
      uploads: row.lists.upload,
      updates: row.lists.update,
      decisions: row.lists.decision,
      completed: row.lists.completion,
      pending: row.pending,
    },
    highImpact: row.high_impact,
    weeksBefore: firstBusy < 0 ? [] : before.slice(firstBusy),
  };
}

/** A half-open range of time whose numbers are asked for; reviews count as open at its end. */
export interface StatsRange {
  readonly startMs: number;
  readonly endMs: number;
}

/** The six numbers of several ranges, in their order, with the version of the week that they are about; of one moment. */
export async function readStats(
  tx: OrganizationTx,
  week: Week,
  ranges: readonly StatsRange[],
): Promise<{ version: number; stats: WeekStats[] }> {
  const { rows } = await sql<{ version: number; stats: WeekStats }>`
    with organization as (select ${tx.organizationId}::uuid as id)
    select ${versionOf(week.startDate)} as version, to_jsonb(c) || to_jsonb(r) as stats
    from organization
    cross join unnest(${timestamps(ranges.map(({ startMs }) => startMs))}, ${timestamps(ranges.map(({ endMs }) => endMs))})
      with ordinality as asked (range_start, range_end, n)
    cross join lateral (
      select count(*) filter (where kind = 'upload') as "newUploads", count(*) filter (where kind = 'update') as updates,
        count(*) filter (where kind = 'decision') as decisions,
        count(*) filter (where kind = 'completion') as "completedTasks", count(distinct author) as contributors
      from activity_items
      where organization_id = organization.id and occurred_at >= range_start and occurred_at < range_end
    ) c
    cross join lateral (select count(*) as "pendingReviews" from (${openReviews(sql`range_end`)}) r) r
    order by n`.execute(tx.db);
  return { version: rows[0]?.version ?? 0, stats: rows.map(({ stats }) => stats) };
}

/** Reviews open at a moment, oldest first, with how many there are in all. */
export async function listOpenReviews(
  tx: OrganizationTx,
  { atMs, limit }: { atMs: number; limit: number },
): Promise<{ reviews: (StoredItem & { occurred_at: string })[]; total: number }> {
  const at = new Date(atMs);
  const oldest = sql`order by occurred_at, id limit ${limit}`;
  const { rows } = await sql<{ reviews: StoredItem[]; total: number }>`
    with organization as (select ${tx.organizationId}::uuid as id)
    select (select count(*) from (${openReviews(at)}) r) as total, (select coalesce(jsonb_agg(o), '[]') from (
      select * from (${openReviews(at, oldest)}) r ${oldest}) o) as reviews
    from organization`.execute(tx.db);
  return rows[0] ?? { reviews: [], total: 0 };
}

/** An item as an export shows it. */
export interface ExportedItem extends StoredItem {
  readonly kind: string;
  readonly external_id: string | null;
  readonly resolved_at: string | null;
}

/** Where a page of an export goes on: past this time and id. */
export interface ExportPosition {
  readonly occurredAt: string;
  readonly id: string;
}

/** One page of a week's items, oldest first: those of the week, and reviews of before that were open at its end. */
export async function readExportPage(
  tx: OrganizationTx,
  { week, after, limit }: { week: Week; after: ExportPosition | undefined; limit: number },
): Promise<ExportedItem[]> {
  const start = new Date(week.startMs);
  const end = new Date(week.endMs);
  const further = after ? sql`and (occurred_at, id) > (${after.occurredAt}::timestamptz, ${after.id}::uuid)` : sql``;
  const page = (condition: RawBuilder<unknown>) => sql`(
    select a.* from activity_items a where organization_id = ${tx.organizationId} and ${condition} ${further}
    order by occurred_at, id limit ${limit})`;
  const { rows } = await sql<{ item: ExportedItem }>`
    select to_jsonb(a) - '{organization_id,source_id,read_number}'::text[] as item from (
      ${page(sql`occurred_at >= ${start} and occurred_at < ${end}`)}
      union all ${page(sql`kind = 'review' and occurred_at < ${start} and resolved_at is null`)}
      union all ${page(sql`kind = 'review' and occurred_at < ${start} and resolved_at >= ${end}`)}
    ) a order by occurred_at, id limit ${limit}`.execute(tx.db);
  return rows.map(({ item }) => item);
}
