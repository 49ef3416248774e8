import type { FieldFault } from '@almanac/contract/errors.ts';
import type { MetricPoint } from '@almanac/contract/metrics.ts';
import { newId } from '#kernel/ids.ts';
import { readInstant, readUtcMicroseconds } from '#kernel/read-time.ts';
import type { MetricName } from './metrics.store.ts';
import type { PointRecord } from './points.store.ts';

/** How far a sender's clock may be ahead of ours. */
const clockSkewMs = 5 * 60_000;
const mostMetadata = 8_192;

/** Points as they are stored, the metrics they are of, and what is wrong with them. */
export interface CheckedPoints {
  readonly points: PointRecord[];
  /** Each metric once, with the point that named it first. */
  readonly metrics: readonly (MetricName & { index: number })[];
  readonly faults: readonly FieldFault[];
}

/** Checks what a schema cannot: times that are possible, metadata that is not too large, one unit for one metric. */
export function checkPoints(sent: readonly MetricPoint[], nowMs: number): CheckedPoints {
  const points: PointRecord[] = [];
  const metrics = new Map<string, MetricName & { index: number }>();
  const faults: FieldFault[] = [];
  const fault = (index: number, field: string, issue: string) =>
    faults.push({ field: `points[${index}].${field}`, issue, index });
  const latest = (nowMs + clockSkewMs) * 1_000;
  for (const [index, point] of sent.entries()) {
    const recorded = point.recorded_at === undefined ? nowMs * 1_000 : readMoment(point.recorded_at);
    if (!(recorded >= 0 && recorded <= latest))
      fault(index, 'recorded_at', `'${point.recorded_at}' is not a time from 1970 to now`);
    if (point.metadata && JSON.stringify(point.metadata).length > mostMetadata)
      fault(index, 'metadata', `is longer than ${mostMetadata} characters of JSON`);
    const clash = noteMetric(metrics, point, index);
    if (clash) fault(index, 'metric_unit', clash);
    points.push(toRecord(point, recorded));
  }
  return { points, metrics: [...metrics.values()], faults };
}

/** Takes down a point's metric; says so where an earlier point of it came in another unit. */
function noteMetric(
  metrics: Map<string, MetricName & { index: number }>,
  { metric_type, metric_name, metric_unit = null }: MetricPoint,
  index: number,
): string | undefined {
  const key = `${metric_type}\n${metric_name}`;
  const known = metrics.get(key);
  if (!known || known.metric_unit === null) {
    metrics.set(key, {
      metric_type,
      metric_name,
      metric_unit,
      index: metric_unit === null ? (known?.index ?? index) : index,
    });
    return undefined;
  }
  if (metric_unit === null || metric_unit === known.metric_unit) return undefined;
  return `'${metric_unit}' is not '${known.metric_unit}', the unit of '${metric_name}' in points[${known.index}]`;
}

/** Microseconds since 1970, cut off below; not a number where the text names no time. */
function readMoment(text: string): number {
  const instant = readUtcMicroseconds(text) ?? readInstant(text);
  return typeof instant === 'object' ? Number(instant.epochNanoseconds / 1_000n) : (instant ?? Number.NaN);
}

function toRecord(point: MetricPoint, recordedUs: number): PointRecord {
  return {
    id: point.id ?? newId(),
    metric_type: point.metric_type,
    metric_name: point.metric_name,
    metric_value: point.metric_value,
    metric_unit: point.metric_unit ?? null,
    dimension_1: point.dimension_1 ?? null,
    dimension_2: point.dimension_2 ?? null,
    dimension_3: point.dimension_3 ?? null,
    metadata: point.metadata ?? null,
    business_id: null,
    source_id: null,
    recorded_us: recordedUs,
  };
}
