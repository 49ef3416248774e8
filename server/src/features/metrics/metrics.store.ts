import { sql } from 'kysely';
import { holdCalendar } from '#features/organizations/index.ts';
import { prepared } from '#platform/db/prepare.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';

/** A metric as points name it. */
export interface MetricName {
  readonly metric_type: string;
  readonly metric_name: string;
  readonly metric_unit: string | null;
}

/** What tells metrics apart. */
export type MetricKey = Omit<MetricName, 'metric_unit'>;

/** One string for a metric. */
export const keyOf = ({ metric_type, metric_name }: MetricKey) => `${metric_type}\n${metric_name}`;

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
  const { rows } = await sql<{
    timezone: string;
    metric_unit: string | null;
    is_new: boolean;
    is_untold: boolean;
  }>`${prepared}
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
