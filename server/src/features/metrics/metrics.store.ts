import { setImmediate } from 'node:timers/promises';
import { type RawBuilder, sql } from 'kysely';
import { holdCalendar } from '#features/organizations/index.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';

/** A point as it is stored. */
export interface PointRecord {
  readonly id: string;
  readonly metric_type: string;
  readonly metric_name: string;
  readonly metric_value: number;
  readonly metric_unit: string | null;
  readonly dimension_1: string | null;
  readonly dimension_2: string | null;
  readonly dimension_3: string | null;
  readonly metadata: object | null;
  readonly business_id: string | null;
  readonly source_id: string | null;
  /** RFC 3339 in UTC, to the microsecond. */
  readonly recorded_at: string;
}

/** A metric as points name it. */
export interface MetricName {
  readonly metric_type: string;
  readonly metric_name: string;
  readonly metric_unit: string | null;
}

/** How points of some metrics are to be written. */
export interface MetricSettings {
  readonly timezone: string;
  /** The unit of each metric, in the order asked for. */
  readonly units: readonly (string | null)[];
}

/**
 * Reads the units of metrics, and with them the organization's time zone, which then stands until the transaction's end:
 * what is added up by it is not moved to another one meanwhile. Metrics that are new are entered, and so is a
 * unit where none was told; a unit is another one than was asked with where the metric was entered with that.
 */
export async function putMetrics(
  tx: OrganizationTx,
  metrics: readonly MetricName[],
  now: Date,
): Promise<MetricSettings> {
  const sent = sql`
    unnest(${metrics.map((metric) => metric.metric_type)}::text[], ${metrics.map((metric) => metric.metric_name)}::text[],
      ${metrics.map((metric) => metric.metric_unit)}::text[]) with ordinality as s (metric_type, metric_name, metric_unit, n)`;
  const { rows } = await sql<{ timezone: string; metric_unit: string | null; is_new: boolean; is_untold: boolean }>`
    select o.timezone, c.metric_unit, c.metric_type is null as is_new,
      c.metric_unit is null and s.metric_unit is not null as is_untold
    from ${holdCalendar(tx.organizationId)} o cross join ${sent}
    left join metric_catalog c on c.organization_id = ${tx.organizationId}::uuid and c.metric_type = s.metric_type
      and c.metric_name = s.metric_name
    order by s.n`.execute(tx.db);
  const [first] = rows;
  if (!first) throw new Error('Points were to be written of no metric, or in no organization.');
  if (!rows.some((row) => row.is_new || row.is_untold))
    return { timezone: first.timezone, units: rows.map((row) => row.metric_unit) };
  await sql`
    insert into metric_catalog (organization_id, metric_type, metric_name, metric_unit, created_at)
    select ${tx.organizationId}::uuid, metric_type, metric_name, metric_unit, ${now}::timestamptz from ${sent}
    order by metric_type, metric_name
    on conflict do nothing`.execute(tx.db);
  await sql`
    update metric_catalog c set metric_unit = s.metric_unit from ${sent}
    where c.organization_id = ${tx.organizationId}::uuid and c.metric_type = s.metric_type
      and c.metric_name = s.metric_name and c.metric_unit is null and s.metric_unit is not null`.execute(tx.db);
  return putMetrics(tx, metrics, now);
}

/** How many full months of points are kept beside the running one; rollups are kept for good. */
const keptMonths = 13;

/** Where the oldest month begins whose points are kept; what is older goes into the history. */
export function startOfKeptMonths(now: Date): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - keptMonths));
}

interface PutPoints {
  /** The oldest first. */
  readonly points: readonly PointRecord[];
  readonly timezone: string;
  /** How many go into one statement: the embedded database works on the thread that serves requests. */
  readonly pointsPerStatement: number;
  /** Spares points that are too young for it the look into the history; without it all are looked for there. */
  readonly now?: Date;
}

/** Writes points and, in the same statement, the hours and days they fall in; answers how many were new. */
export async function putPoints(tx: OrganizationTx, put: PutPoints): Promise<number> {
  const { points, timezone, pointsPerStatement, now } = put;
  const kept = now && startOfKeptMonths(now);
  let written = 0;
  for (let from = 0; from < points.length; from += pointsPerStatement) {
    if (from > 0) await setImmediate();
    const some = points.slice(from, from + pointsPerStatement);
    const isArchivable = !kept || new Date(some[0]?.recorded_at ?? 0) < kept;
    written += await putSome(tx, { points: some, timezone, isArchivable });
  }
  return written;
}

/** Points of a relation, added up by the hours of a time zone, series by series. */
export const hoursOf = (points: RawBuilder<unknown>, timezone: string) => sql`
  select series_id, date_trunc('hour', recorded_at, ${timezone}) as bucket_start, count(*) as count,
    sum(metric_value) as sum, min(metric_value) as min, max(metric_value) as max,
    (array_agg(metric_value order by recorded_at desc, id desc))[1] as last_value, max(recorded_at) as last_at,
    (array_agg(id order by recorded_at desc, id desc))[1] as last_id
  from ${points} group by 1, 2`;

/** Hours of a relation, added up by the days of their time zone. */
export const daysOf = (hours: RawBuilder<unknown>, timezone: string) => sql`
  select series_id, date_trunc('day', bucket_start, ${timezone}) as bucket_start, sum(count)::bigint as count,
    sum(sum) as sum, min(min) as min, max(max) as max, (array_agg(last_value order by last_at desc))[1] as last_value,
    max(last_at) as last_at, (array_agg(last_id order by last_at desc))[1] as last_id
  from ${hours} group by 1, 2`;

/**
 * Only rows that were really inserted count in the rollups, so a repeated write changes nothing. Points, series and
 * rollups are each written in the order of their keys, so that writers of the same ones wait for each other and never
 * in a circle.
 */
async function putSome(
  tx: OrganizationTx,
  { points, timezone, isArchivable }: Pick<PutPoints, 'points' | 'timezone'> & { isArchivable: boolean },
): Promise<number> {
  // The offset keeps it a look-up in one month for each point: as a join it would read the history as a whole.
  const isNew = sql`
    not exists (
      select from dashboard_metrics_history h where h.organization_id = ${tx.organizationId}::uuid
        and h.recorded_at = sent.recorded_at::timestamptz and h.id = sent.id::uuid offset 0
    )`;
  const column = (read: (point: PointRecord) => unknown) => sql`${points.map(read)}::text[]`;
  const { rows } = await sql<{ count: number }>`
    with sent as (
      select * from unnest(
        ${column((point) => point.id)}, ${column((point) => point.metric_type)}, ${column((point) => point.metric_name)},
        ${column((point) => String(point.metric_value))}, ${column((point) => point.metric_unit)},
        ${column((point) => point.dimension_1)}, ${column((point) => point.dimension_2)},
        ${column((point) => point.dimension_3)},
        ${column((point) => point.metadata && JSON.stringify(point.metadata))},
        ${column((point) => point.business_id)}, ${column((point) => point.source_id)},
        ${column((point) => point.recorded_at)}
      ) as s (id, metric_type, metric_name, metric_value, metric_unit, dimension_1, dimension_2, dimension_3, metadata,
        business_id, source_id, recorded_at)
    ),
    inserted as (
      insert into dashboard_metrics (organization_id, id, metric_type, metric_name, metric_value, metric_unit,
        dimension_1, dimension_2, dimension_3, metadata, business_id, source_id, recorded_at)
      select ${tx.organizationId}::uuid, id::uuid, metric_type, metric_name, metric_value::numeric, metric_unit,
        dimension_1, dimension_2, dimension_3, metadata::jsonb, business_id::uuid, source_id::uuid,
        recorded_at::timestamptz
      from sent where ${isArchivable ? isNew : sql`true`} order by recorded_at::timestamptz, id::uuid
      on conflict do nothing
      returning id, series_id, metric_type, metric_name, dimension_1, dimension_2, dimension_3, business_id, source_id,
        metric_value, recorded_at
    ),
    series as (
      insert into metric_series (organization_id, id, metric_type, metric_name, dimension_1, dimension_2, dimension_3,
        business_id, source_id)
      select distinct on (series_id) ${tx.organizationId}::uuid, series_id, metric_type, metric_name, dimension_1,
        dimension_2, dimension_3, business_id, source_id
      from inserted order by series_id
      on conflict do nothing
    ),
    hours as (${hoursOf(sql`inserted`, timezone)}),
    buckets as (
      select *, 'hour' as granularity from hours
      union all
      select *, 'day' from (${daysOf(sql`hours`, timezone)}) d
    ),
    rolled as (
      insert into metric_rollups as r (organization_id, series_id, granularity, bucket_start, count, sum, min, max,
        last_value, last_at, last_id)
      select ${tx.organizationId}::uuid, series_id, granularity, bucket_start, count, sum, min, max, last_value,
        last_at, last_id
      from buckets order by series_id, granularity, bucket_start
      on conflict (organization_id, series_id, granularity, bucket_start) do update set
        count = r.count + excluded.count, sum = r.sum + excluded.sum,
        min = least(r.min, excluded.min), max = greatest(r.max, excluded.max),
        last_value = case when (excluded.last_at, excluded.last_id) > (r.last_at, r.last_id)
          then excluded.last_value else r.last_value end,
        last_id = case when (excluded.last_at, excluded.last_id) > (r.last_at, r.last_id)
          then excluded.last_id else r.last_id end,
        last_at = greatest(r.last_at, excluded.last_at)
    )
    select count(*) as count from inserted`.execute(tx.db);
  return rows[0]?.count ?? 0;
}

const removedAtOnce = 5_000;

/**
 * Removes some of an organization's points, the oldest first, then of their rollups, then of its history and activity;
 * false, and nothing is changed, where the rest of each is little.
 */
export async function removeSomePoints(tx: OrganizationTx): Promise<boolean> {
  return (await removeSomeValues(tx)) || (await removeSomeRollups(tx)) || (await removeSomeHistory(tx));
}

async function removeSomeValues({ db, organizationId }: OrganizationTx): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    with oldest as (
      select recorded_at, id from dashboard_metrics where organization_id = ${organizationId}
      order by recorded_at, id limit ${removedAtOnce}
    )
    delete from dashboard_metrics p using oldest
    where p.organization_id = ${organizationId} and p.recorded_at = oldest.recorded_at and p.id = oldest.id
      and (select count(*) from oldest) = ${removedAtOnce}`.execute(db);
  return Number(numAffectedRows) > 0;
}

async function removeSomeRollups({ db, organizationId }: OrganizationTx): Promise<boolean> {
  // By place: of a join the planner expects so few rows that it would compare each with each.
  const { numAffectedRows = 0n } = await sql`
    with part as (
      select ctid from metric_rollups where organization_id = ${organizationId} limit ${removedAtOnce}
    )
    delete from metric_rollups where ctid = any(array(select ctid from part))
      and organization_id = ${organizationId} and (select count(*) from part) = ${removedAtOnce}`.execute(db);
  return Number(numAffectedRows) > 0;
}

/** Of the tables that nobody may delete from but their owner. */
async function removeSomeHistory({ db, organizationId }: OrganizationTx): Promise<boolean> {
  const { rows } = await sql<{ removed: number }>`
    select forget_organization_rows(${organizationId}::uuid, ${removedAtOnce}) as removed`.execute(db);
  return (rows[0]?.removed ?? 0) > 0;
}

/** What somebody says about a metric; what is left out stands. */
export interface MetricChange {
  readonly metric_unit?: string | null;
  readonly direction?: 'up' | 'down' | 'none';
  readonly aggregation?: 'sum' | 'average' | 'last';
}

/** Changes how a metric is read; false where there is none of that name. */
export async function changeMetric(
  tx: OrganizationTx,
  { metric_type, metric_name }: Pick<MetricName, 'metric_type' | 'metric_name'>,
  change: MetricChange,
): Promise<boolean> {
  const hasUnit = change.metric_unit !== undefined;
  const { rows } = await sql`
    update metric_catalog set
      metric_unit = case when ${hasUnit} then ${change.metric_unit ?? null}::text else metric_unit end,
      direction = coalesce(${change.direction ?? null}, direction),
      aggregation = coalesce(${change.aggregation ?? null}, aggregation)
    where organization_id = ${tx.organizationId} and metric_type = ${metric_type} and metric_name = ${metric_name}
    returning metric_name`.execute(tx.db);
  return rows.length > 0;
}
