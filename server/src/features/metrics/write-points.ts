import { createHash } from 'node:crypto';
import type { MetricPoint } from '@almanac/contract/metrics.ts';
import { newId } from '#kernel/ids.ts';
import { formatMicroseconds } from '#kernel/read-time.ts';
import type { Caches } from '#platform/cache/caches.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import { validationFailed } from '#platform/errors/app-error.ts';
import type { Feed } from '#platform/feed/feed.ts';
import { type CheckedPoints, checkPoints } from './check-points.ts';
import { keyOf, putMetrics } from './metrics.store.ts';
import { type PointRecord, putPoints } from './points.store.ts';
import type { PointCounts } from './take-lines.ts';

/** The cache topic of everything that is said about metrics. */
export const metricsTopic = 'metrics';

export interface PointWriting {
  caches: Pick<Caches, 'invalidateAfter'>;
  feed: Pick<Feed, 'publish'>;
  /** Tells with the transaction that dashboards show other numbers. */
  announceDashboards: (tx: OrganizationTx) => void;
  /** Metrics that take no points from outside, as `keyOf` names them. */
  closed: ReadonlySet<string>;
  /** How many go into one statement. */
  pointsPerStatement: number;
  now: () => Date;
}

/** A point that a feature publishes; `id` and time make it the same one however often it is. */
export type PublishedPoint = Pick<PointRecord, 'metric_type' | 'metric_name' | 'metric_value' | 'metric_unit'> &
  Partial<Omit<PointRecord, 'recorded_us'>> & { readonly recorded_at: Date };

/**
 * Writes points that were sent, with all that follows from them. Throws VALIDATION_ERROR naming each wrong one, and what
 * `isKnownPoint` knows where they were assumed to be new and are not.
 */
export function writeSent(
  tx: OrganizationTx,
  sent: readonly MetricPoint[],
  writing: PointWriting & { assumesNew: boolean },
): Promise<PointCounts> {
  const checked = checkPoints(sent, writing.now().getTime());
  refuse(checked.faults);
  refuse(checked.metrics.filter((metric) => writing.closed.has(keyOf(metric))).map(describeClosed));
  return write(tx, checked, { ...writing, refusesClash: true });
}

/** Writes points that a feature publishes, with all that follows from them. */
export function writePublished(
  tx: OrganizationTx,
  published: readonly PublishedPoint[],
  writing: PointWriting,
): Promise<PointCounts> {
  const points = published.map(({ recorded_at, ...point }) => ({
    ...blank,
    id: newId(),
    ...point,
    recorded_us: recorded_at.getTime() * 1_000,
  }));
  const metrics = Map.groupBy(points, (point) => `${point.metric_type}\n${point.metric_name}`);
  const named = [...metrics.values()].flatMap(([point]) => (point ? [{ ...point, index: points.indexOf(point) }] : []));
  // Whatever unit somebody has said since: what a feature computes is not lost for it.
  return write(tx, { points, metrics: named, faults: [] }, { ...writing, refusesClash: false, assumesNew: false });
}

const blank = {
  dimension_1: null,
  dimension_2: null,
  dimension_3: null,
  metadata: null,
  business_id: null,
  source_id: null,
};

const mostFaults = 20;

function refuse(faults: CheckedPoints['faults']): void {
  const [first, ...rest] = faults;
  if (first) throw validationFailed([first, ...rest.slice(0, mostFaults - 1)]);
}

async function write(
  tx: OrganizationTx,
  { points, metrics }: CheckedPoints,
  writing: PointWriting & { refusesClash: boolean; assumesNew: boolean },
): Promise<PointCounts> {
  const { caches, pointsPerStatement, assumesNew, now } = writing;
  if (points.length === 0) return { accepted: 0, duplicates: 0 };
  const { timezone, units } = await putMetrics(tx, metrics, now());
  if (writing.refusesClash)
    refuse(metrics.flatMap((metric, position) => describeClash(metric, units[position] ?? null)));
  const unitOf = new Map(metrics.map((metric, position) => [keyOf(metric), units[position] ?? null]));
  const records = points.toSorted((a, b) => a.recorded_us - b.recorded_us || compareText(a.id, b.id));
  const accepted = await putPoints(tx, {
    points: records,
    unitOf,
    timezone,
    assumesNew,
    pointsPerStatement,
    now: now(),
  });
  if (accepted > 0) {
    announce(tx, records, writing);
    caches.invalidateAfter(tx, [metricsTopic]);
  }
  return { accepted, duplicates: points.length - accepted };
}

const mostNames = 20;

/**
 * Tells of each type that was written. Only updates of the same metrics stand for each other: a newer one of others would
 * hide these from those who watch them.
 */
function announce(
  tx: OrganizationTx,
  records: readonly PointRecord[],
  { feed, announceDashboards }: PointWriting,
): void {
  for (const [metric_type, points] of Map.groupBy(records, (point) => point.metric_type)) {
    const as_of = formatMicroseconds(points.at(-1)?.recorded_us ?? 0);
    const metric_names = [...new Set(points.map((point) => point.metric_name))].sort(compareText);
    const isNamed = metric_names.length <= mostNames;
    const payload = isNamed ? { metric_type, as_of, metric_names } : { metric_type, as_of };
    const subject = isNamed ? `${metric_type} ${hashOf(metric_names)}` : metric_type;
    feed.publish(tx, { type: 'metric_update', subject, payload });
  }
  announceDashboards(tx);
}

/** Of the names, since all of them make a longer text than an index takes. */
const hashOf = (names: readonly string[]) => createHash('sha256').update(JSON.stringify(names)).digest('base64url');

function describeClosed({ metric_type, metric_name, index }: CheckedPoints['metrics'][number]) {
  const issue = `'${metric_name}' of the type '${metric_type}' is counted here and takes no points; name yours otherwise`;
  return { field: `points[${index}].metric_name`, issue, index };
}

const compareText = (a: string, b: string) => (a < b ? -1 : Number(a > b));

function describeClash({ metric_unit, metric_name, index }: CheckedPoints['metrics'][number], unit: string | null) {
  if (metric_unit === null || metric_unit === unit) return [];
  const issue = `'${metric_unit}' is not '${unit}', the unit of '${metric_name}'; PUT /api/dashboard/catalog changes that`;
  return [{ field: `points[${index}].metric_unit`, issue, index }];
}
