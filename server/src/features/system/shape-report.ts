import type { EndpointAnswer } from '@almanac/contract/endpoint.ts';
import type { getPerformance } from '@almanac/contract/system.ts';
import { estimatePercentile } from '#kernel/percentile.ts';
import { requestDurationBounds } from '#platform/telemetry/request-metrics.ts';
import type { ReportPeriod } from './read-period.ts';
import { addHistograms } from './read-requests.ts';
import type { BucketRow, PastCheck, RouteRow, SlowQuery } from './system.views.ts';

/** What was measured in a period. */
export type PerformanceReport = EndpointAnswer<typeof getPerformance>;
type Series = PerformanceReport['error_rate'];

interface ReportParts {
  period: ReportPeriod;
  buckets: readonly BucketRow[];
  routes: readonly RouteRow[];
  lastCheck: PastCheck | undefined;
  slowQueries: SlowQuery[];
}

const boundsMs = requestDurationBounds.map((seconds) => seconds * 1_000);

/** Makes the report of what was read. */
export function shapeReport({ period, buckets, routes, lastCheck, slowQueries }: ReportParts): PerformanceReport {
  const of = (service: string, metricType: string, endpoint: string | null = null) =>
    buckets.filter((row) => row.service === service && row.metricType === metricType && row.endpoint === endpoint);
  const times = of('api', 'response_time');
  const cache = (name: string) => toSeries(of('cache', 'cache_hit_ratio', name));
  return {
    period_start: period.from.toISOString(),
    period_end: period.to.toISOString(),
    bucket_seconds: period.bucketSeconds,
    as_of: lastCheck?.at.toISOString() ?? null,
    response_times: {
      ...toPercentiles(times.reduce<number[]>((sum, { histogram }) => add(sum, histogram ?? []), [])),
      by_route: routes.map(({ route, failed, histogram }) => ({ route, failed, ...toPercentiles(histogram) })),
      series: times.map(({ bucketStart, histogram }) => ({
        bucket_start: bucketStart.toISOString(),
        ...toPercentiles(histogram ?? []),
      })),
    },
    error_rate: toSeries(of('api', 'error_rate'), lastCheck && percentOf(lastCheck.failedRequests, lastCheck.requests)),
    event_loop_delay_ms: toSeries(of('api', 'event_loop_delay'), lastCheck?.eventLoopMs),
    database: {
      cache_hit_ratio: toSeries(of('database', 'cache_hit_ratio'), lastCheck?.cacheHitRatio),
      connections: toSeries(of('database', 'connections'), lastCheck?.connections),
      max_connections: lastCheck?.maxConnections ?? null,
      slow_queries: toCounts(of('database', 'slow_queries'), lastCheck?.slowQueries),
      slowest_queries: slowQueries,
    },
    cache: { dashboard: cache('dashboard'), metrics: cache('metrics'), reports: cache('reports') },
    sockets: toSeries(of('api', 'sockets'), lastCheck?.sockets),
    queue: {
      waiting: toSeries(of('jobs', 'queue_depth', 'waiting'), lastCheck?.jobsWaiting),
      running: toSeries(of('jobs', 'queue_depth', 'running'), lastCheck?.jobsRunning),
    },
  };
}

/** A series of means; without a check to go by its newest value is the latest. */
function toSeries(rows: readonly BucketRow[], latest: number | null | undefined = rows.at(-1)?.value): Series {
  const samples = rows.reduce((sum, row) => sum + row.samples, 0);
  const total = rows.reduce((sum, row) => sum + row.total, 0);
  return {
    latest: round(latest ?? null),
    mean: samples > 0 ? round(total / samples) : null,
    peak: rows.length > 0 ? round(Math.max(...rows.map(({ peak }) => peak))) : null,
    series: rows.map(({ bucketStart, value }) => ({ bucket_start: bucketStart.toISOString(), value: roundOne(value) })),
  };
}

/** A series of what is counted: each bucket is the sum of its checks, whose number does not matter. */
function toCounts(rows: readonly BucketRow[], latest: number | undefined): Series {
  return toSeries(
    rows.map((row) => ({ ...row, value: row.total })),
    latest,
  );
}

function toPercentiles(histogram: readonly number[]) {
  const at = (part: number) => round(estimatePercentile(histogram, boundsMs, part));
  return {
    requests: histogram.reduce((sum, count) => sum + count, 0),
    p50_ms: at(0.5),
    p95_ms: at(0.95),
    p99_ms: at(0.99),
  };
}

function add(sum: number[], histogram: number[]): number[] {
  return sum.length === 0 ? histogram : addHistograms(sum, histogram);
}

function percentOf(part: number, whole: number): number | null {
  return whole > 0 ? (100 * part) / whole : null;
}

function round(value: number | null): number | null {
  return value === null ? null : roundOne(value);
}

function roundOne(value: number): number {
  return Math.round(value * 100) / 100;
}
