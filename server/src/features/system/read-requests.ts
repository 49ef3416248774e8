import { requestDurationBounds } from '#platform/telemetry/request-metrics.ts';
import type { MetricSample } from '#platform/telemetry/telemetry.ts';

/** The requests of one endpoint. */
export interface RequestReading {
  /** Method and route, such as `GET /api/weekly/summary`. */
  endpoint: string;
  count: number;
  /** Those answered with a status of 500 or above. */
  failed: number;
  sumMs: number;
  /** By upper bound as in `requestDurationBounds`, and one more for the slower ones. */
  histogram: readonly number[];
}

/** Requests by endpoint. */
export type RequestCounts = ReadonlyMap<string, RequestReading>;

/** What asks after the server itself, all day long, says nothing of how it serves. */
const probes: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

/** The requests of a process since its start, from the samples of its histogram. */
export function readRequestCounts(samples: readonly MetricSample[]): RequestCounts {
  const byEndpoint = new Map<string, { count: number; failed: number; sumMs: number; reached: number[] }>();
  for (const { name, labels, value } of samples) {
    const { route, method, status, le } = labels;
    if (probes.has(String(route))) continue;
    const counts = byEndpoint.getOrInsertComputed(`${method} ${route}`, () => ({
      ...{ count: 0, failed: 0, sumMs: 0 },
      reached: requestDurationBounds.map(() => 0),
    }));
    const bound = requestDurationBounds.indexOf(Number(le));
    if (name.endsWith('_sum')) counts.sumMs += value * 1_000;
    else if (name.endsWith('_count')) {
      counts.count += value;
      if (status === '5xx') counts.failed += value;
    } else if (bound >= 0) counts.reached[bound] = (counts.reached[bound] ?? 0) + value;
  }
  return new Map(
    [...byEndpoint].map(([endpoint, { reached, ...counts }]) => [
      endpoint,
      { endpoint, ...counts, histogram: countBetween(reached, counts.count) },
    ]),
  );
}

/** Prometheus counts all up to a bound; here each request counts once. */
function countBetween(reached: readonly number[], all: number): number[] {
  return [...reached, all].map((count, index, counts) => count - (counts[index - 1] ?? 0));
}

/** What came on top, leaving out endpoints where nothing did. */
export function subtractRequests(now: RequestCounts, before: RequestCounts): RequestReading[] {
  return [...now.values()].flatMap((current) => {
    const old = before.get(current.endpoint);
    if (!old) return current.count > 0 ? [current] : [];
    if (current.count === old.count) return [];
    return [
      {
        endpoint: current.endpoint,
        count: current.count - old.count,
        failed: current.failed - old.failed,
        sumMs: current.sumMs - old.sumMs,
        histogram: addHistograms(current.histogram, old.histogram, -1),
      },
    ];
  });
}

/** The sum of two histograms by the same bounds, the second one times `factor`. */
export function addHistograms(one: readonly number[], other: readonly number[], factor = 1): number[] {
  return one.map((count, index) => count + factor * (other[index] ?? 0));
}
