import { Counter, Histogram, type Registry } from 'prom-client';
import { createBoundedLabel } from './bounded-label.ts';

/** One answered request. */
export interface ObservedRequest {
  /** The route's template (`/api/weeks/:week`), undefined where no route matched: never the path that was asked for. */
  route: string | undefined;
  method: string;
  status: number;
  seconds: number;
}

interface Series {
  labels: { route: string; method: string; status: string };
  count: number;
  observe: (seconds: number) => void;
}

/** The metric of how long requests took, by route, method and class of status. */
export const requestDurationMetric = 'almanac_http_request_duration_seconds';

/** Upper bounds of the buckets that requests are counted in, in seconds; a last one takes the rest. */
export const requestDurationBounds: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
];

const maxRoutes = 500;
const methods: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const statusClasses = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;

/**
 * Makes the metrics of HTTP requests. The series are resolved once for each route, method and status class, which leaves
 * two look-ups for each request; the counter is told when it is read.
 */
export function createRequestMetrics(registry: Registry): (request: ObservedRequest) => void {
  const labelNames = ['route', 'method', 'status'];
  new Counter({
    name: 'almanac_http_requests_total',
    help: 'HTTP requests answered, by route template, method and class of status.',
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const all of byRoute.values()) for (const { labels, count } of all.values()) this.inc(labels, count);
    },
  });
  const durations = new Histogram({
    name: requestDurationMetric,
    help: 'Time from the arrival of an HTTP request to the end of its answer.',
    labelNames,
    buckets: [...requestDurationBounds],
    registers: [registry],
  });
  const boundRoute = createBoundedLabel(maxRoutes);
  const byRoute = new Map<string, Map<string, Series>>();

  function resolveSeries(route: string, method: string, status: string): Series {
    const labels = { route, method, status };
    return { labels, count: 0, observe: durations.labels(labels).observe };
  }

  return ({ route = 'unmatched', method, status, seconds }) => {
    // A bounded route is looked up before it is bounded: the hit needs no second set.
    const known = byRoute.get(route) ?? getOrAdd(byRoute, boundRoute(route), () => new Map<string, Series>());
    const statusClass = statusClasses[Math.floor(status / 100) - 1] ?? 'other';
    const methodLabel = methods.includes(method) ? method : 'other';
    const key = methodLabel + statusClass;
    const series =
      known.get(key) ?? getOrAdd(known, key, () => resolveSeries(boundRoute(route), methodLabel, statusClass));
    series.count += 1;
    series.observe(seconds);
  };
}

function getOrAdd<V>(map: Map<string, V>, key: string, make: () => V): V {
  const existing = map.get(key);
  if (existing !== undefined) return existing;
  const made = make();
  map.set(key, made);
  return made;
}
