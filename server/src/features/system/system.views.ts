import { sql } from 'kysely';
import type { InstanceTx } from '#platform/db/scopes.ts';
import type { BlockCounters } from './system.store.ts';

/** An alert rule on the newest check. */
export interface RuleState {
  kind: string;
  subject: string;
  /** Unknown where too little was measured to tell. */
  status: 'broken' | 'kept' | 'unknown';
  value: number | null;
  threshold: number;
  /** What the value rests on. */
  samples: number | null;
  checkedAt: Date | null;
}

export async function readRules({ db }: InstanceTx): Promise<RuleState[]> {
  const { rows } = await sql<RuleState>`
    select kind, subject, status, value::double precision, threshold::double precision, samples,
      checked_at as "checkedAt"
    from check_performance_alerts()`.execute(db);
  return rows;
}

/** A check that was made. */
export interface PastCheck extends BlockCounters {
  at: Date;
  eventLoopMs: number | null;
  cacheHitRatio: number | null;
  connections: number;
  maxConnections: number;
  slowQueries: number;
  requests: number;
  failedRequests: number;
  sockets: number | null;
  jobsWaiting: number;
  jobsRunning: number;
}

/** The newest check, of all or of those before a moment and from another one on. */
export async function findLastCheck(
  { db }: InstanceTx,
  { from, to }: { from: Date; to: Date } | { from?: undefined; to?: undefined } = {},
): Promise<PastCheck | undefined> {
  const within = from ? sql`where check_time >= ${from} and check_time < ${to}` : sql``;
  const { rows } = await sql<PastCheck>`
    select check_time as at, block_hits as hits, block_reads as reads, stats_reset as "resetAt",
      event_loop_delay_ms as "eventLoopMs", cache_hit_ratio::double precision as "cacheHitRatio",
      active_connections as connections, max_connections as "maxConnections", slow_query_count as "slowQueries",
      requests, failed_requests as "failedRequests", sockets, jobs_waiting as "jobsWaiting",
      jobs_running as "jobsRunning"
    from performance_monitoring ${within} order by check_time desc, id desc limit 1`.execute(db);
  return rows[0];
}

/** How each check stood at the newest check, and since when. */
export async function readHealthChecks({ db }: InstanceTx): Promise<Map<string, { status: string; since: Date }>> {
  const { rows } = await sql<{ name: string; status: string; since: Date }>`
    select name, status, since from health_checks`.execute(db);
  return new Map(rows.map(({ name, ...check }) => [name, check]));
}

/** Buckets of one length within a period. */
export interface BucketRange {
  granularity: string;
  from: Date;
  to: Date;
}

/** One bucket of a metric of a service, or of a part of it such as one cache. */
export interface BucketRow {
  bucketStart: Date;
  metricType: string;
  service: string;
  endpoint: string | null;
  samples: number;
  total: number;
  value: number;
  peak: number;
  histogram: number[] | null;
}

/** The buckets of all series, the oldest first: some 15 rows for each bucket, however many routes there are. */
export async function readBuckets({ db }: InstanceTx, range: BucketRange): Promise<BucketRow[]> {
  const { rows } = await sql<BucketRow>`
    select bucket_start as "bucketStart", metric_type as "metricType", service_name as service, endpoint,
      sample_count as samples, total, metric_value::double precision as value, peak, to_jsonb(histogram) as histogram
    from system_performance_metrics
    where granularity = ${range.granularity} and bucket_start >= ${range.from} and bucket_start < ${range.to}
      and metric_type in ('response_time', 'error_rate', 'event_loop_delay', 'cache_hit_ratio', 'connections',
        'slow_queries', 'sockets', 'queue_depth')
      and (endpoint is null or service_name <> 'api')
    order by bucket_start`.execute(db);
  return rows;
}

/** The requests of one route in a period. */
export interface RouteRow {
  route: string;
  requests: number;
  failed: number;
  histogram: number[];
}

/** The routes that were asked for in a period, the busiest first, at most 500. */
export async function readRoutes({ db }: InstanceTx, range: BucketRange): Promise<RouteRow[]> {
  const { rows } = await sql<RouteRow>`
    with found as (
      select endpoint, metric_type, sample_count, total, histogram from system_performance_metrics
      where granularity = ${range.granularity} and bucket_start >= ${range.from} and bucket_start < ${range.to}
        and service_name = 'api' and metric_type in ('response_time', 'error_rate') and endpoint is not null),
    places as (
      select f.endpoint, u.place, sum(u.count)::bigint as count
      from found f, unnest(f.histogram) with ordinality as u (count, place)
      where f.metric_type = 'response_time' group by f.endpoint, u.place),
    histograms as (
      select endpoint, jsonb_agg(count order by place) as histogram from places group by endpoint)
    select f.endpoint as route, h.histogram,
      sum(f.sample_count) filter (where f.metric_type = 'response_time')::bigint as requests,
      coalesce(round(sum(f.total) filter (where f.metric_type = 'error_rate') / 100), 0)::bigint as failed
    from found f join histograms h using (endpoint)
    group by f.endpoint, h.histogram order by requests desc, route limit 500`.execute(db);
  return rows;
}

/** A statement that takes long. */
export interface SlowQuery {
  query: string;
  calls: number;
  mean_ms: number;
  max_ms: number;
  total_ms: number;
  source: 'pg_stat_statements' | 'almanac';
}

export async function readSlowQueries({ db }: InstanceTx): Promise<SlowQuery[]> {
  const { rows } = await sql<SlowQuery>`
    select query, calls, mean_ms::double precision, max_ms::double precision, total_ms::double precision, source
    from get_slow_queries(20)`.execute(db);
  return rows;
}

/** An alert. */
export interface AlertRow {
  id: string;
  kind: string;
  subject: string;
  message: string;
  openedAt: Date;
  resolvedAt: Date | null;
}

interface AlertsQuery {
  state: 'open' | 'past' | undefined;
  limit: number;
  before: { openedAt: Date; id: string } | undefined;
}

/** Alerts past the cursor, the newest first. */
export async function listAlertRows({ db }: InstanceTx, { state, limit, before }: AlertsQuery): Promise<AlertRow[]> {
  const stateIs = { open: sql`resolved_at is null`, past: sql`resolved_at is not null`, any: sql`true` }[
    state ?? 'any'
  ];
  const past = before ? sql`and (opened_at, id) < (${before.openedAt}, ${before.id}::uuid)` : sql``;
  const { rows } = await sql<AlertRow>`
    select id, kind, subject, message, opened_at as "openedAt", resolved_at as "resolvedAt"
    from system_alerts where ${stateIs} ${past} order by opened_at desc, id desc limit ${limit}`.execute(db);
  return rows;
}
