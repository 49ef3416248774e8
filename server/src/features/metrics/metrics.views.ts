import { type RawBuilder, sql } from 'kysely';
import type { PeriodRow, PeriodValues } from '#analysis/shape-trend.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import type { MetricKey } from './metrics.store.ts';

/** Which values a list is of. Times are instants, the end excluded. */
export interface MetricFilter {
  readonly metric_type: string | undefined;
  readonly metric_name: string | undefined;
  readonly dimension_1: string | undefined;
  readonly from: Date | undefined;
  readonly to: Date | undefined;
}

/** Where a list goes on: the last row's time, as PostgreSQL writes it, and id. */
export type ListPosition = readonly [at: string, id: string];

interface ListPage extends MetricFilter {
  readonly after: ListPosition | undefined;
  readonly limit: number;
}

/** A point as it was stored. */
export interface PointRow {
  id: string;
  metric_type: string;
  metric_name: string;
  metric_value: string;
  metric_unit: string | null;
  dimension_1: string | null;
  dimension_2: string | null;
  dimension_3: string | null;
  metadata: Record<string, unknown> | null;
  business_id: string | null;
  source_id: string | null;
  recorded_at: Date;
  /** The time to the microsecond, for the cursor. */
  position: string;
}

/** Where points lie: those of the kept months, and those moved out of the way since. */
const places = { kept: sql`dashboard_metrics`, history: sql`dashboard_metrics_history` };

/**
 * Points of a filter, the newest first: read from an index in that order, so a page costs what it shows. The history is
 * looked into where the filter reaches back before `keptFrom`.
 */
export async function listPoints(tx: OrganizationTx, page: ListPage, keptFrom: Date): Promise<PointRow[]> {
  const reachesBack = !page.from || page.from < keptFrom;
  const wanted = reachesBack ? [places.kept, places.history] : [places.kept];
  const parts = wanted.map((place) => sql`(${newestPoints(tx, page, place)})`);
  const { rows } = await sql<PointRow>`
    select m.*, m.recorded_at::text as position from (${sql.join(parts, sql` union all `)}) m
    order by m.recorded_at desc, m.id desc limit ${page.limit}`.execute(tx.db);
  return rows;
}

function newestPoints(tx: OrganizationTx, page: ListPage, place: RawBuilder<unknown>): RawBuilder<unknown> {
  const { metric_type, metric_name, dimension_1, from, to, after, limit } = page;
  const bounds = sql`
    true ${from ? sql`and m.recorded_at >= ${from}` : sql``} ${to ? sql`and m.recorded_at < ${to}` : sql``}
    ${dimension_1 === undefined ? sql`` : ofDimension(tx, dimension_1)}
    ${after ? sql`and (m.recorded_at, m.id) < (${after[0]}::timestamptz, ${after[1]}::uuid)` : sql``}`;
  const newest = sql`order by m.recorded_at desc, m.id desc limit ${limit}`;
  const isNamed = metric_type !== undefined || metric_name !== undefined;
  if (!isNamed)
    return sql`select * from ${place} m where m.organization_id = ${tx.organizationId} and ${bounds} ${newest}`;
  // An index holds each metric's points in order: of several metrics, the newest of each are merged.
  return sql`
    select m.* from metric_catalog c cross join lateral (
      select * from ${place} m
      where m.organization_id = c.organization_id and m.metric_type = c.metric_type
        and m.metric_name = c.metric_name and ${bounds} ${newest}
    ) m
    where c.organization_id = ${tx.organizationId} and ${namedAs(metric_type, metric_name)} ${newest}`;
}

/** The series tell at once where there is none of the dimension, and no point is looked at then. */
function ofDimension({ organizationId }: OrganizationTx, dimension: string) {
  return sql`and m.dimension_1 = ${dimension} and (select exists (
    select from metric_series s where s.organization_id = ${organizationId} and s.dimension_1 = ${dimension}))`;
}

function namedAs(type: string | undefined, name: string | undefined) {
  return sql`true ${type === undefined ? sql`` : sql`and c.metric_type = ${type}`}
    ${name === undefined ? sql`` : sql`and c.metric_name = ${name}`}`;
}

/** A step of time of one series. */
export interface BucketRow {
  series_id: string;
  metric_type: string;
  metric_name: string;
  metric_unit: string | null;
  dimension_1: string | null;
  dimension_2: string | null;
  dimension_3: string | null;
  bucket_start: Date;
  count: number;
  sum: string;
  min: string;
  max: string;
  average: string;
  last_value: string;
  last_at: Date;
  /** False while the step is to be counted anew, or is not one of the time zone that was asked with. */
  is_settled: boolean;
}

/** The steps that values are kept or summed up in. */
export type Step = 'hour' | 'day' | 'week';

interface BucketPage extends ListPage {
  readonly step: Step;
  readonly timezone: string;
  readonly firstDayOfWeek: number;
}

/** Hours, days or weeks of the series of a filter, the newest first; weeks are summed up from days. */
export async function listBuckets(tx: OrganizationTx, page: BucketPage): Promise<BucketRow[]> {
  const { metric_type, metric_name, dimension_1, from, to, after, limit, step, timezone } = page;
  const start = step === 'week' ? weekStart(page) : sql`r.bucket_start`;
  const { rows } = await sql<BucketRow>`
    select s.id as series_id, s.metric_type, s.metric_name, c.metric_unit, s.dimension_1, s.dimension_2, s.dimension_3,
      b.bucket_start, b.count, b.sum, b.min, b.max, b.sum / b.count as average, b.last_value, b.last_at,
      ${isCountedIn(tx, timezone)} and (c.rebuilt_from is null or b.bucket_start >= c.rebuilt_from) as is_settled
    from metric_catalog c
    join metric_series s on s.organization_id = c.organization_id and s.metric_type = c.metric_type
      and s.metric_name = c.metric_name
    cross join lateral (
      select ${start} as bucket_start, sum(r.count)::bigint as count, sum(r.sum) as sum, min(r.min) as min,
        max(r.max) as max, (array_agg(r.last_value order by r.last_at desc))[1] as last_value, max(r.last_at) as last_at
      from metric_rollups r
      where r.organization_id = s.organization_id and r.series_id = s.id
        and r.granularity = ${step === 'hour' ? 'hour' : 'day'}
        ${from ? sql`and r.bucket_start >= ${from}` : sql``} ${to ? sql`and r.bucket_start < ${to}` : sql``}
      group by 1
      ${after ? sql`having (${start}, s.id) < (${after[0]}::timestamptz, ${after[1]}::uuid)` : sql``}
      order by 1 desc limit ${limit}
    ) b
    where c.organization_id = ${tx.organizationId} and ${namedAs(metric_type, metric_name)}
      ${dimension_1 === undefined ? sql`` : sql`and s.dimension_1 = ${dimension_1}`}
    order by b.bucket_start desc, s.id desc limit ${limit}`.execute(tx.db);
  return rows;
}

/** True where the organization counts days in the time zone, in which hours and days are kept unless they are rebuilt. */
const isCountedIn = ({ organizationId }: OrganizationTx, timezone: string) =>
  sql<boolean>`(select o.timezone = ${timezone} from organizations o where o.id = ${organizationId})`;

/** True where the days of every metric are right from a moment on. The calendar is held. */
export async function isSettledFrom({ db, organizationId }: OrganizationTx, fromMs: number): Promise<boolean> {
  const { rows } = await sql`
    select from metric_catalog where organization_id = ${organizationId} and rebuilt_from > ${new Date(fromMs)} limit 1`.execute(
    db,
  );
  return rows.length === 0;
}

/** Where the week of a day's rollup begins, in the organization's time zone. */
function weekStart({ timezone, firstDayOfWeek }: Pick<BucketPage, 'timezone' | 'firstDayOfWeek'>) {
  const day = sql`(r.bucket_start at time zone ${sql.lit(timezone)})::date`;
  return sql`((${day} - (extract(isodow from ${day})::int - ${sql.lit(firstDayOfWeek)} + 7) % 7)::timestamp
    at time zone ${sql.lit(timezone)})`;
}

/** A metric as the database knows it. */
export interface MetricRow {
  metric_type: string;
  metric_name: string;
  metric_unit: string | null;
  direction: 'up' | 'down' | 'none' | null;
  aggregation: 'sum' | 'average' | 'last' | null;
  series: number;
  first_seen: Date | null;
  last_seen: Date | null;
}

/** The metrics of an organization by type and name, or one of them: when each was first and last seen is one look-up a series. */
export async function readCatalog(
  tx: OrganizationTx,
  { metric_type, metric_name }: { metric_type?: string | undefined; metric_name?: string | undefined } = {},
): Promise<MetricRow[]> {
  const { rows } = await sql<MetricRow>`
    select c.metric_type, c.metric_name, c.metric_unit, c.direction, c.aggregation, s.series, s.first_seen, s.last_seen
    from metric_catalog c
    cross join lateral (
      select count(*) as series, min(first.bucket_start) as first_seen, max(last.last_at) as last_seen
      from metric_series s
      cross join lateral (
        select r.bucket_start from metric_rollups r
        where r.organization_id = s.organization_id and r.series_id = s.id and r.granularity = 'hour'
        order by r.bucket_start limit 1
      ) first
      cross join lateral (
        select r.last_at from metric_rollups r
        where r.organization_id = s.organization_id and r.series_id = s.id and r.granularity = 'hour'
        order by r.bucket_start desc limit 1
      ) last
      where s.organization_id = c.organization_id and s.metric_type = c.metric_type and s.metric_name = c.metric_name
    ) s
    where c.organization_id = ${tx.organizationId} and ${namedAs(metric_type, metric_name)}
    order by c.metric_type, c.metric_name`.execute(tx.db);
  return rows;
}

interface Periods {
  readonly metrics: readonly MetricKey[];
  readonly timezone: string;
  /** Where each period begins, and the last one ends: local midnights, in order. */
  readonly bounds: readonly Date[];
}

/**
 * Sums metrics up over periods of whole local days that follow each other, in the order of the metrics; a period without a
 * value is left out.
 */
export async function readPeriods(tx: OrganizationTx, periods: Periods): Promise<PeriodValues[]> {
  const { metrics, timezone, bounds } = periods;
  const times = sql`${bounds.map((bound) => bound.toISOString())}::timestamptz[]`;
  const wanted = sql`unnest(${metrics.map((metric) => metric.metric_type)}::text[],
    ${metrics.map((metric) => metric.metric_name)}::text[]) with ordinality as w (metric_type, metric_name, place)`;
  const [first, last] = [bounds[0], bounds.at(-1)];
  const values = sumUp(sql`
      select width_bucket(r.bucket_start, ${times}) - 1 as period, s.metric_type, s.metric_name, r.count, r.sum,
        r.last_value, r.last_at, r.series_id
      from ${wanted}
      join metric_series s on s.organization_id = ${tx.organizationId} and s.metric_type = w.metric_type
        and s.metric_name = w.metric_name
      join metric_rollups r on r.organization_id = s.organization_id and r.series_id = s.id and r.granularity = 'day'
        and r.bucket_start >= ${first} and r.bucket_start < ${last}`);
  // With the values in one statement, and so of one moment; a row of its own where there are none.
  const { rows } = await sql<PeriodRow & { place: number; settled_from: number }>`
    select w.place::int, v.*, case when ${isCountedIn(tx, timezone)}
      then extract(epoch from coalesce(c.rebuilt_from, '-infinity'))::float8 else 'infinity' end as settled_from
    from ${wanted}
    join metric_catalog c on c.organization_id = ${tx.organizationId} and c.metric_type = w.metric_type
      and c.metric_name = w.metric_name
    left join (${values}) v on v.metric_type = w.metric_type and v.metric_name = w.metric_name
    order by w.place, v.period`.execute(tx.db);
  const byPlace = Map.groupBy(rows, ({ place }) => place);
  return metrics.map((_, index) => {
    const own = byPlace.get(index + 1) ?? [];
    const settledFrom = own[0]?.settled_from ?? Number.NEGATIVE_INFINITY;
    return { rows: own.filter(({ period }) => period !== null), settledFromMs: settledFrom * 1_000 };
  });
}

/** Sums parts up by metric and period: the last value is one of each series, so that none speaks for the others. */
function sumUp(parts: RawBuilder<unknown>): RawBuilder<PeriodRow> {
  return sql<PeriodRow>`
    with series as (
      select metric_type, metric_name, period, sum(count) as count, sum(sum) as sum,
        (array_agg(last_value order by last_at desc))[1] as last_value, max(last_at) as last_at
      from (${parts}) parts group by metric_type, metric_name, period, series_id
    )
    select metric_type, metric_name, period, sum(count)::bigint as count, sum(sum) as sum,
      sum(sum) / sum(count) as average, sum(last_value) as last_total, avg(last_value) as last_average,
      max(last_at) as last_at
    from series group by 1, 2, 3 order by 1, 2, 3`;
}

/** A stretch of time that begins at a local midnight and may end within an hour. */
export interface Stretch {
  readonly from: Date;
  /** The last local midnight, and the last full local hour, not after the end. */
  readonly lastDay: Date;
  readonly lastHour: Date;
  readonly to: Date;
}

/** Sums every metric up over two stretches, periods 0 and 1: days, the hours of what is no full day, the points of what is no full hour. */
export async function readStretches(tx: OrganizationTx, stretches: readonly [Stretch, Stretch]): Promise<PeriodRow[]> {
  const parts = stretches.map(
    ({ from, lastDay, lastHour, to }, period) => sql`
      select ${sql.lit(period)}::int as period, s.metric_type, s.metric_name, r.count, r.sum, r.last_value, r.last_at,
        r.series_id
      from metric_series s join metric_rollups r on r.organization_id = s.organization_id and r.series_id = s.id
        and ((r.granularity = 'day' and r.bucket_start >= ${from} and r.bucket_start < ${lastDay})
          or (r.granularity = 'hour' and r.bucket_start >= ${lastDay} and r.bucket_start < ${lastHour}))
      where s.organization_id = ${tx.organizationId}
      union all
      select ${sql.lit(period)}::int, metric_type, metric_name, 1, metric_value, metric_value, recorded_at, series_id
      from dashboard_metrics
      where organization_id = ${tx.organizationId} and recorded_at >= ${lastHour} and recorded_at < ${to}`,
  );
  const { rows } = await sumUp(sql.join(parts, sql` union all `)).execute(tx.db);
  return rows;
}

/** The metrics of an organization and how they are read, without what they hold. */
export async function readMetrics(tx: OrganizationTx): Promise<MetricRow[]> {
  const { rows } = await sql<MetricRow>`
    select metric_type, metric_name, metric_unit, direction, aggregation, 0 as series, null as first_seen,
      null as last_seen
    from metric_catalog where organization_id = ${tx.organizationId} order by metric_type, metric_name`.execute(tx.db);
  return rows;
}
