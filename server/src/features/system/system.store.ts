import { sql } from 'kysely';
import { newId } from '#kernel/ids.ts';
import type { InstanceTx } from '#platform/db/scopes.ts';
import type { SlowStatement } from '#platform/db/slow-statements.ts';
import type { RequestReading } from './read-requests.ts';

/** What one process measured since it last told. */
export interface ProcessReading {
  requests: readonly RequestReading[];
  caches: readonly { name: string; hits: number; misses: number }[];
  eventLoop: { windows: number; p99Sum: number; max: number };
  /** Open when it told. */
  sockets: number;
  /** Queries that took more than 5 s. */
  slowQueries: number;
}

/** A reading as it was told. */
export interface StoredReading {
  processId: string;
  at: Date;
  reading: ProcessReading;
}

/** Samples of one thing, to be added to its buckets. */
export interface MetricDraft {
  at: Date;
  metricType: string;
  service: 'api' | 'database' | 'cache' | 'jobs';
  endpoint: string | null;
  samples: number;
  total: number;
  peak: number;
  histogram: number[] | null;
}

const readingsKeptMs = 24 * 3_600_000;

/** Puts a reading down for the next check. Those that no check took in within a day are dropped. */
export async function insertReading({ db }: InstanceTx, { processId, at, reading }: StoredReading): Promise<void> {
  await sql`delete from process_readings where at < ${new Date(at.getTime() - readingsKeptMs)}`.execute(db);
  await sql`
    insert into process_readings (id, process_id, at, reading)
    values (${newId()}, ${processId}, ${at}, ${JSON.stringify(reading)})`.execute(db);
}

/** Takes all readings out, the oldest first: each is counted by the one check whose transaction took it. */
export async function takeReadings({ db }: InstanceTx): Promise<StoredReading[]> {
  const { rows } = await sql<StoredReading>`
    with taken as (delete from process_readings returning id, process_id, at, reading)
    select process_id as "processId", at, reading from taken order by at, id`.execute(db);
  return rows;
}

/** Adds statements to the record of their day, without their literals. */
export async function insertSlowStatements(
  { db }: InstanceTx,
  statements: readonly SlowStatement[],
  at: Date,
): Promise<void> {
  if (statements.length === 0) return;
  await sql`
    insert into slow_statements as s (day, fingerprint, statement, calls, total_ms, max_ms, last_at)
    select (${at}::timestamptz at time zone 'utc')::date, md5(n.statement)::uuid, n.statement, sum(n.calls),
      sum(n.total_ms), max(n.max_ms), ${at}
    from (
      select normalise_statement(r.statement) as statement, r.calls, r."totalMs" as total_ms, r."maxMs" as max_ms
      from jsonb_to_recordset(${JSON.stringify(statements)}::jsonb)
        as r (statement text, calls bigint, "totalMs" double precision, "maxMs" double precision)) n
    group by n.statement order by 2
    on conflict (day, fingerprint) do update set calls = s.calls + excluded.calls,
      total_ms = s.total_ms + excluded.total_ms, max_ms = greatest(s.max_ms, excluded.max_ms),
      last_at = excluded.last_at`.execute(db);
}

/** Samples of one bucket. */
export type MetricBucket = Omit<MetricDraft, 'at'> & { granularity: string; bucketStart: Date };

/** Adds samples to buckets; each bucket is named once at most. */
export async function addToBuckets({ db }: InstanceTx, buckets: readonly MetricBucket[], at: Date): Promise<void> {
  if (buckets.length === 0) return;
  await sql`
    insert into system_performance_metrics as m
      (granularity, bucket_start, metric_type, service_name, endpoint, sample_count, total, peak, histogram, recorded_at)
    select granularity, "bucketStart", "metricType", service, endpoint, samples, total, peak, histogram, ${at}
    from jsonb_to_recordset(${JSON.stringify(buckets)}::jsonb) as r (granularity text, "bucketStart" timestamptz,
      "metricType" text, service text, endpoint text, samples bigint, total double precision, peak double precision,
      histogram bigint[])
    on conflict (granularity, bucket_start, metric_type, service_name, endpoint) do update set
      sample_count = m.sample_count + excluded.sample_count, total = m.total + excluded.total,
      peak = greatest(m.peak, excluded.peak), recorded_at = excluded.recorded_at,
      histogram = (select array_agg(coalesce(u.a, 0) + coalesce(u.b, 0) order by u.place)
        from unnest(m.histogram, excluded.histogram) with ordinality as u (a, b, place))`.execute(db);
}

/** How often PostgreSQL has found a block in its own cache, and how often it had to read one, since the counters began. */
export interface BlockCounters {
  hits: number;
  reads: number;
  /** When the counters were last set to nothing; null where they never were. */
  resetAt: Date | null;
}

/** What the server tells of itself. */
export interface DatabaseVitals extends BlockCounters {
  connections: number;
  maxConnections: number;
  runningSlow: number;
  overdueEvents: number;
}

export async function readVitals({ db }: InstanceTx): Promise<DatabaseVitals> {
  const { rows } = await sql<DatabaseVitals>`
    select block_hits as "hits", block_reads as "reads", stats_reset as "resetAt", connections,
      max_connections as "maxConnections", running_slow as "runningSlow", overdue_events as "overdueEvents"
    from read_database_vitals()`.execute(db);
  const [vitals] = rows;
  if (!vitals) throw new Error('PostgreSQL keeps no statistics of this database.');
  return vitals;
}

/** One check, as it is written down. */
export interface CheckRow {
  vitals: DatabaseVitals;
  window: { hits: number; blocks: number };
  slowQueries: number;
  requests: number;
  failedRequests: number;
  eventLoopMs: number | null;
  sockets: number | null;
  queue: { waiting: number; running: number };
}

/** Writes a check down; answers its id. */
export async function insertCheck({ db }: InstanceTx, check: CheckRow, at: Date): Promise<string> {
  const { vitals, window, queue } = check;
  const id = newId();
  await sql`
    insert into performance_monitoring (id, check_time, active_connections, slow_query_count, max_connections, block_hits,
      block_reads, stats_reset, window_hits, window_blocks, requests, failed_requests, event_loop_delay_ms, sockets,
      jobs_waiting, jobs_running)
    values (${id}, ${at}, ${vitals.connections}, ${check.slowQueries}, ${vitals.maxConnections}, ${vitals.hits},
      ${vitals.reads}, ${vitals.resetAt}, ${window.hits}, ${window.blocks}, ${check.requests}, ${check.failedRequests},
      ${check.eventLoopMs}, ${check.sockets}, ${queue.waiting}, ${queue.running})`.execute(db);
  return id;
}

export async function setCheckAlerts({ db }: InstanceTx, id: string, alerts: readonly object[]): Promise<void> {
  await sql`update performance_monitoring set alerts = ${JSON.stringify(alerts)} where id = ${id}`.execute(db);
}

/** Writes down how the checks stand; since when they do is kept while they do not change. */
export async function putHealthChecks(
  { db }: InstanceTx,
  checks: readonly { name: string; status: string }[],
  at: Date,
): Promise<void> {
  await sql`
    insert into health_checks as h (name, status, since)
    select name, status, ${at} from jsonb_to_recordset(${JSON.stringify(checks)}::jsonb) as r (name text, status text)
    order by name
    on conflict (name) do update set status = excluded.status, since = excluded.since
      where h.status <> excluded.status`.execute(db);
}

const keptMs = 90 * 24 * 3_600_000;
const rowsPerStep = 5_000;

/** Removes what is older than 90 days, some rows of each table at a time; answers how many of them there were. */
export async function deleteSomeOld({ db }: InstanceTx, now: Date): Promise<{ rows: number; isDone: boolean }> {
  const before = new Date(now.getTime() - keptMs);
  const steps = [
    ['system_performance_metrics', 'bucket_start'],
    ['performance_monitoring', 'check_time'],
    ['slow_statements', 'day'],
  ] as const;
  const counts: number[] = [];
  for (const [table, column] of steps) {
    const { numAffectedRows } = await sql`
      delete from ${sql.id(table)} where ctid = any (array(
        select ctid from ${sql.id(table)} where ${sql.id(column)} < ${before} limit ${rowsPerStep}))`.execute(db);
    counts.push(Number(numAffectedRows ?? 0));
  }
  return { rows: counts.reduce((sum, count) => sum + count, 0), isDone: counts.every((count) => count < rowsPerStep) };
}
