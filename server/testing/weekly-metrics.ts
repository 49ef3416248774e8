import { type Kysely, sql } from 'kysely';
import type { Tables } from '#platform/db/tables.ts';
import type { CountedItem } from './recount-week.ts';

/** How many things happened on a local day, by metric and day, such as `uploads 2024-12-17`; without zeros. */
export type DailyCounts = Readonly<Record<string, number>>;

const namesOfKinds: Readonly<Record<string, string>> = {
  upload: 'uploads',
  update: 'updates',
  decision: 'decisions',
  completion: 'completed',
  review: 'reviews_opened',
};

/** Counts items by the plainest means: one by one, by the names of local days. */
export function recountDays(items: readonly CountedItem[], timezone: string): DailyCounts {
  const dateOf = (time: string) => Temporal.Instant.from(time).toZonedDateTimeISO(timezone).toPlainDate().toString();
  const days = items.flatMap(({ kind, occurred_at, resolved_at }) => [
    `${namesOfKinds[kind]} ${dateOf(occurred_at)}`,
    ...(resolved_at === null ? [] : [`reviews_resolved ${dateOf(resolved_at)}`]),
  ]);
  return Object.fromEntries([...Map.groupBy(days, (day) => day)].map(([day, found]) => [day, found.length]));
}

/** What the metric store holds of an organization's weekly dashboard. */
export interface WeeklyMetrics {
  readonly days: DailyCounts;
  /** The least that the points of any metric and hour add up to, up to any moment. */
  readonly least: number;
  /** The newest values of what the running week says. */
  readonly gauges: Readonly<Record<string, number>>;
}

const isGauge = sql`metric_name in ('contributors', 'pending_reviews')`;

export async function readWeeklyMetrics(db: Kysely<Tables>, organizationId: string): Promise<WeeklyMetrics> {
  const rollups = sql`
    metric_rollups r join metric_series s on s.organization_id = r.organization_id and s.id = r.series_id
    join organizations o on o.id = r.organization_id
    where o.id = ${organizationId} and r.granularity = 'day' and s.metric_type = 'weekly'`;
  const days = await sql<{ day: string; sum: string }>`
    select metric_name || ' ' || (bucket_start at time zone timezone)::date as day, sum
    from ${rollups} and sum <> 0 and not ${isGauge}`.execute(db);
  const sums = await sql<{ least: string | null }>`
    select min(so_far) as least from (
      select sum(metric_value) over (
        partition by metric_name, date_trunc('hour', recorded_at, timezone) order by recorded_at) as so_far
      from dashboard_metrics join organizations o on o.id = organization_id
      where o.id = ${organizationId} and metric_type = 'weekly' and not ${isGauge}) sums`.execute(db);
  const gauges = await sql<{ name: string; value: string }>`
    select distinct on (metric_name) metric_name as name, last_value as value
    from ${rollups} and ${isGauge} order by metric_name, bucket_start desc`.execute(db);
  return {
    days: Object.fromEntries(days.rows.map(({ day, sum }) => [day, Number(sum)])),
    least: Number(sums.rows[0]?.least ?? 0),
    gauges: Object.fromEntries(gauges.rows.map(({ name, value }) => [name, Number(value)])),
  };
}
