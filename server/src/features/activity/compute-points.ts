import type { WeekStats } from '@almanac/contract/weekly.ts';
import type { MetricDeclaration, PublishedPoint } from '#features/metrics/index.ts';
import { idOf } from '#kernel/ids.ts';
import type { ItemDelta } from './merge-changes.ts';

const declare = (
  metric_name: string,
  direction: MetricDeclaration['direction'],
  aggregation: MetricDeclaration['aggregation'],
): MetricDeclaration => ({
  metric_type: 'weekly',
  metric_name,
  metric_unit: 'count',
  direction,
  aggregation,
  isClosed: true,
});

/** What happened: added up over any time, it is the number of items that lie there. */
const flows: Readonly<Record<ItemDelta['kind'], MetricDeclaration>> = {
  upload: declare('uploads', 'up', 'sum'),
  update: declare('updates', 'up', 'sum'),
  decision: declare('decisions', 'up', 'sum'),
  completion: declare('completed', 'up', 'sum'),
  review: declare('reviews_opened', 'none', 'sum'),
  resolution: declare('reviews_resolved', 'up', 'sum'),
};

/** What the running week says, as known at that time. */
const gauges = {
  pendingReviews: declare('pending_reviews', 'down', 'last'),
  contributors: declare('contributors', 'up', 'last'),
} satisfies Partial<Record<keyof WeekStats, MetricDeclaration>>;

/** What the weekly dashboard publishes; the first one is meant by the type alone. */
export const weeklyMetrics: readonly MetricDeclaration[] = [...Object.values(flows), ...Object.values(gauges)];

const point = (
  { metric_type, metric_name, metric_unit }: MetricDeclaration,
  metric_value: number,
  atMs: number,
): PublishedPoint => ({ metric_type, metric_name, metric_unit, metric_value, recorded_at: new Date(atMs) });

/** One point for each kind and quarter of an hour in which items came or left. */
export function pointsOfChange(deltas: readonly ItemDelta[]): PublishedPoint[] {
  return deltas.map(({ kind, count, atMs }) => point(flows[kind], count, atMs));
}

/** The zeros with which a week begins, so that one in which nothing happens has a value and is no gap. */
export function pointsOfNewWeek(organizationId: string, startMs: number): PublishedPoint[] {
  return Object.values(flows).map((metric) => ({
    ...point(metric, 0, startMs),
    id: idOf('week begins', organizationId, metric.metric_name, String(startMs)),
  }));
}

/** The running week's numbers that are others than before; all of them where there were none. */
export function pointsOfRunningWeek(
  stats: WeekStats,
  { before, nowMs }: { before: WeekStats | undefined; nowMs: number },
): PublishedPoint[] {
  const names = Object.keys(gauges) as (keyof typeof gauges)[];
  return names.flatMap((name) => (stats[name] === before?.[name] ? [] : [point(gauges[name], stats[name], nowMs)]));
}
