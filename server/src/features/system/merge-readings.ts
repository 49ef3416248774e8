import { addHistograms, type RequestReading } from './read-requests.ts';
import type { BlockCounters, MetricBucket, MetricDraft, StoredReading } from './system.store.ts';

/** What all processes measured since the check before. */
export interface Measured {
  /** By the five minutes that they were told in. */
  metrics: MetricDraft[];
  requests: number;
  failedRequests: number;
  /** Mean and longest in milliseconds; null where there is less than half a minute to go by, as after a start. */
  eventLoop: { meanMs: number; maxMs: number } | null;
  /** Open connections at last, of the processes that told; null where none did. */
  sockets: number | null;
  slowQueries: number;
}

/** A window of the event loop begins each second. */
const fewestWindows = 30;

/** Sums the readings of all processes. */
export function mergeReadings(readings: readonly StoredReading[]): Measured {
  const lengthMs = granularities.five_minutes;
  const buckets = Map.groupBy(readings, ({ at }) => Math.floor(at.getTime() / lengthMs) * lengthMs);
  const all = readings.map(({ reading }) => reading);
  const requests = all.flatMap((reading) => reading.requests);
  const eventLoop = sumEventLoop(readings);
  const last = new Map(readings.map(({ processId, reading }) => [processId, reading.sockets]));
  return {
    metrics: [...buckets].flatMap(([startMs, found]) => describeBucket(new Date(startMs), found)),
    requests: sum(requests.map(({ count }) => count)),
    failedRequests: sum(requests.map(({ failed }) => failed)),
    eventLoop:
      eventLoop.windows >= fewestWindows
        ? { meanMs: eventLoop.p99Sum / eventLoop.windows, maxMs: eventLoop.max }
        : null,
    sockets: last.size > 0 ? sum([...last.values()]) : null,
    slowQueries: sum(all.map(({ slowQueries }) => slowQueries)),
  };
}

function describeBucket(at: Date, readings: readonly StoredReading[]): MetricDraft[] {
  const requests = readings.flatMap(({ reading }) => reading.requests);
  const byEndpoint = Map.groupBy(requests, ({ endpoint }) => endpoint);
  const caches = readings.flatMap(({ reading }) => reading.caches);
  const { windows, p99Sum, max } = sumEventLoop(readings);
  const delays = { metricType: 'event_loop_delay', service: 'api', endpoint: null, histogram: null } as const;
  return [
    ...describeRequests(at, null, requests),
    ...[...byEndpoint].flatMap(([endpoint, found]) => describeRequests(at, endpoint, found)),
    ...[...Map.groupBy(caches, ({ name }) => name)].map(([name, found]): MetricDraft => {
      const hits = sum(found.map((cache) => cache.hits));
      const lookUps = hits + sum(found.map((cache) => cache.misses));
      return describeRatio(at, { metricType: 'cache_hit_ratio', service: 'cache', endpoint: name }, [hits, lookUps]);
    }),
    { at, ...delays, samples: windows, total: p99Sum, peak: max },
  ].filter(({ samples }) => samples > 0);
}

function describeRequests(at: Date, endpoint: string | null, found: readonly RequestReading[]): MetricDraft[] {
  const count = sum(found.map((requests) => requests.count));
  const failed = sum(found.map((requests) => requests.failed));
  const total = sum(found.map(({ sumMs }) => sumMs));
  const means = found.map((requests) => requests.sumMs / requests.count);
  const histogram = found.reduce<number[]>(
    (added, requests) => (added.length === 0 ? [...requests.histogram] : addHistograms(added, requests.histogram)),
    [],
  );
  const times = { at, metricType: 'response_time', service: 'api', endpoint } as const;
  return [
    { ...times, samples: count, total, peak: Math.max(0, ...means), histogram },
    // Most endpoints never fail: theirs is left out, the one of all of them is not.
    ...(endpoint === null || failed > 0
      ? [describeRatio(at, { metricType: 'error_rate', service: 'api', endpoint }, [failed, count])]
      : []),
  ];
}

/** A part of a whole as a percentage, so that the mean over any buckets is the part of all of them. */
export function describeRatio(
  at: Date,
  named: Pick<MetricDraft, 'metricType' | 'service' | 'endpoint'>,
  [part, whole]: readonly [number, number],
): MetricDraft {
  const peak = whole > 0 ? (100 * part) / whole : 0;
  return { at, ...named, samples: whole, total: 100 * part, peak, histogram: null };
}

/**
 * The blocks that were asked for between two checks, and those of them that were in the cache. Counters that were set to
 * nothing in between, or lost with a crash of the server, count from there; before the first check nothing is known.
 */
export function measureBlocks(now: BlockCounters, before: BlockCounters | undefined): { hits: number; blocks: number } {
  if (!before) return { hits: 0, blocks: 0 };
  const isReset =
    now.resetAt?.getTime() !== before.resetAt?.getTime() || now.hits < before.hits || now.reads < before.reads;
  const hits = isReset ? now.hits : now.hits - before.hits;
  const reads = isReset ? now.reads : now.reads - before.reads;
  return { hits, blocks: hits + reads };
}

/** The lengths of buckets, in milliseconds. */
export const granularities = { five_minutes: 300_000, hour: 3_600_000, day: 86_400_000 } as const;

/** Samples as what they add to the buckets of each length. */
export function toBuckets(drafts: readonly MetricDraft[]): MetricBucket[] {
  const buckets = new Map<string, MetricBucket>();
  for (const [granularity, lengthMs] of Object.entries(granularities)) {
    for (const { at, ...draft } of drafts) {
      const startMs = Math.floor(at.getTime() / lengthMs) * lengthMs;
      const key = JSON.stringify([granularity, startMs, draft.metricType, draft.service, draft.endpoint]);
      const known = buckets.get(key);
      const added = known ? addDrafts(known, draft) : draft;
      buckets.set(key, { ...added, granularity, bucketStart: new Date(startMs) });
    }
  }
  return [...buckets.values()];
}

function addDrafts<Draft extends Omit<MetricDraft, 'at'>>(one: Draft, other: Omit<MetricDraft, 'at'>): Draft {
  return {
    ...one,
    samples: one.samples + other.samples,
    total: one.total + other.total,
    peak: Math.max(one.peak, other.peak),
    histogram: one.histogram && other.histogram ? addHistograms(one.histogram, other.histogram) : one.histogram,
  };
}

function sumEventLoop(readings: readonly StoredReading[]) {
  const spans = readings.map(({ reading }) => reading.eventLoop);
  return {
    windows: sum(spans.map(({ windows }) => windows)),
    p99Sum: sum(spans.map(({ p99Sum }) => p99Sum)),
    max: Math.max(0, ...spans.map(({ max }) => max)),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((added, value) => added + value, 0);
}
