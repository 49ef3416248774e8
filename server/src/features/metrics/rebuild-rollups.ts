import { type RawBuilder, sql } from 'kysely';
import { getOrganizationSettings } from '#features/organizations/index.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import { daysOf, hoursOf } from './points.store.ts';

/** Has the hours and days of every metric counted anew. The calendar is locked. */
export async function markForRebuild({ db, organizationId }: OrganizationTx): Promise<void> {
  await sql`
    update metric_catalog set rebuilt_from = 'infinity' where organization_id = ${organizationId}`.execute(db);
}

/** SQL that is true of an organization `o` with metrics whose hours or days are to be counted anew. */
export const hasMarked = sql`
  exists (select from metric_catalog m where m.organization_id = o.id and m.rebuilt_from is not null)`;

/** How many metrics have hours or days that are to be counted anew. */
export async function countToRebuild({ db, organizationId }: OrganizationTx): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) from metric_catalog
    where organization_id = ${organizationId} and rebuilt_from is not null`.execute(db);
  return rows[0]?.count ?? 0;
}

/** One metric, as far as its hours and days are still to be counted anew. */
interface RebuiltMetric {
  readonly metric_type: string;
  readonly metric_name: string;
  /** Days from here on are right, as PostgreSQL writes times; `infinity` where none is. */
  readonly rebuilt_from: string;
}

/** What one step did. */
export interface RebuildStep {
  readonly metric_type: string;
  readonly metric_name: string;
  /** True where the metric is done. */
  readonly isLast: boolean;
  /** The time of the metric's newest point; null where it has none in the months that are kept. */
  readonly newestAt: Date | null;
}

/**
 * How far the first hour of a local day, and what is left of it where clocks change, may lie from the moment that names
 * the day: a day is counted from its hours once all of them are right.
 */
const dayMargin = sql`interval '3 hours'`;

/**
 * Counts some hours of one metric anew from its points, the newest first, and the days that they make whole; undefined
 * where nothing is left to do. The calendar is locked: nobody writes points of the organization meanwhile, so a step is as
 * long as `pointsAtOnce` are counted in, or the points of one hour where those are more.
 */
export async function rebuildSome(tx: OrganizationTx, pointsAtOnce: number): Promise<RebuildStep | undefined> {
  const { timezone } = await getOrganizationSettings(tx);
  const metric = await findToRebuild(tx);
  if (!metric) return undefined;
  const from = await findStart(tx, { metric, timezone, pointsAtOnce });
  await removeRange(tx, metric, from);
  await putHours(tx, { metric, from, timezone });
  await putDays(tx, { metric, from, timezone });
  const isLast = from === '-infinity';
  const { metric_type, metric_name } = metric;
  const { rows } = await sql<{ newestAt: Date | null }>`
    update metric_catalog set rebuilt_from = case when ${isLast} then null else ${from}::timestamptz + ${dayMargin} end
    where organization_id = ${tx.organizationId} and metric_type = ${metric_type} and metric_name = ${metric_name}
    returning (select max(recorded_at) from dashboard_metrics p where ${isOf(tx, metric)}) as "newestAt"`.execute(
    tx.db,
  );
  return { metric_type, metric_name, isLast, newestAt: rows[0]?.newestAt ?? null };
}

/** The one that is behind the others, so that recent days of all are right before old days of any. */
async function findToRebuild({ db, organizationId }: OrganizationTx): Promise<RebuiltMetric | undefined> {
  const { rows } = await sql<RebuiltMetric>`
    select metric_type, metric_name, rebuilt_from::text from metric_catalog
    where organization_id = ${organizationId} and rebuilt_from is not null
    order by rebuilt_from desc, metric_type, metric_name limit 1`.execute(db);
  return rows[0];
}

interface Range {
  readonly metric: RebuiltMetric;
  /** The first hour to be counted; `-infinity` for all that are left. */
  readonly from: string;
  readonly timezone: string;
}

/** Of points `p` or of series `p`: those of the metric. */
const isOf = ({ organizationId }: OrganizationTx, { metric_type, metric_name }: RebuiltMetric) => sql`
  p.organization_id = ${organizationId} and p.metric_type = ${metric_type} and p.metric_name = ${metric_name}`;

/** Where the hours begin that are right already. */
const hoursUntil = ({ rebuilt_from }: RebuiltMetric) => sql`(${rebuilt_from}::timestamptz - ${dayMargin})`;

/** The hour of the last of as many points before those that are counted, the newest first; `-infinity` where they are fewer. */
async function findStart(
  tx: OrganizationTx,
  { metric, timezone, pointsAtOnce }: Omit<Range, 'from'> & { pointsAtOnce: number },
): Promise<string> {
  const newest = (table: RawBuilder<unknown>) => sql`
    (select recorded_at from ${table} p where ${isOf(tx, metric)} and p.recorded_at < ${hoursUntil(metric)}
    order by p.recorded_at desc limit ${pointsAtOnce})`;
  const { rows } = await sql<{ start: string }>`
    select date_trunc('hour', recorded_at, ${timezone})::text as start
    from (${newest(sql`dashboard_metrics`)} union all ${newest(sql`dashboard_metrics_history`)}) p
    order by recorded_at desc offset ${pointsAtOnce - 1} limit 1`.execute(tx.db);
  return rows[0]?.start ?? '-infinity';
}

async function removeRange(tx: OrganizationTx, metric: RebuiltMetric, from: string): Promise<void> {
  const remove = (granularity: 'hour' | 'day', start: RawBuilder<unknown>, end: RawBuilder<unknown>) => sql`
    delete from metric_rollups r using metric_series p
    where ${isOf(tx, metric)} and r.organization_id = p.organization_id and r.series_id = p.id
      and r.granularity = ${granularity} and r.bucket_start >= ${start} and r.bucket_start < ${end}`;
  await remove('hour', sql`${from}::timestamptz`, hoursUntil(metric)).execute(tx.db);
  await remove('day', daysFrom(from), daysUntil(metric)).execute(tx.db);
}

/** The days that a step counts: those whose hours are all right with it, and were not before. */
const daysFrom = (from: string) => sql`(${from}::timestamptz + ${dayMargin})`;
const daysUntil = ({ rebuilt_from }: RebuiltMetric) => sql`${rebuilt_from}::timestamptz`;

const rollupColumns = sql`
  organization_id, series_id, granularity, bucket_start, count, sum, min, max, last_value, last_at, last_id`;

async function putHours(tx: OrganizationTx, { metric, from, timezone }: Range): Promise<void> {
  // By the hour and not by the time: where clocks are set back, hours may overlap.
  const points = (table: RawBuilder<unknown>) => sql`
    select p.series_id, p.recorded_at, p.id, p.metric_value from ${table} p
    where ${isOf(tx, metric)} and p.recorded_at >= ${from}::timestamptz
      and p.recorded_at < ${hoursUntil(metric)} + interval '1 hour'
      and date_trunc('hour', p.recorded_at, ${timezone}) >= ${from}::timestamptz
      and date_trunc('hour', p.recorded_at, ${timezone}) < ${hoursUntil(metric)}`;
  await sql`
    with points as materialized (
      ${points(sql`dashboard_metrics`)} union all ${points(sql`dashboard_metrics_history`)}
    )
    insert into metric_rollups (${rollupColumns})
    select ${tx.organizationId}::uuid, series_id, 'hour', bucket_start, count, sum, min, max, last_value, last_at, last_id
    from (${hoursOf(sql`points`, timezone)}) h order by series_id, bucket_start`.execute(tx.db);
}

async function putDays(tx: OrganizationTx, { metric, from, timezone }: Range): Promise<void> {
  const hours = sql`(
    select r.* from metric_series p
    join metric_rollups r on r.organization_id = p.organization_id and r.series_id = p.id and r.granularity = 'hour'
      and r.bucket_start >= ${from}::timestamptz and r.bucket_start < ${daysUntil(metric)} + interval '30 hours'
    where ${isOf(tx, metric)}) hours`;
  await sql`
    insert into metric_rollups (${rollupColumns})
    select ${tx.organizationId}::uuid, series_id, 'day', bucket_start, count, sum, min, max, last_value, last_at, last_id
    from (${daysOf(hours, timezone)}) d
    where bucket_start >= ${daysFrom(from)} and bucket_start < ${daysUntil(metric)}
    order by series_id, bucket_start`.execute(tx.db);
}
