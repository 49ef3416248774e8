import type { MetricDeclaration, PublishedPoint } from '#features/metrics/index.ts';
import type { AddedNumbers, MeasuredDay } from './metrics.store.ts';
import { responseRate } from './response-rate.ts';

const counted = (metric_name: string): MetricDeclaration => ({
  metric_type: 'tenant',
  metric_name,
  metric_unit: 'count',
  direction: 'up',
  aggregation: 'sum',
});

const counts = {
  views: counted('views'),
  messages: counted('messages'),
  invites: counted('invites'),
  responses: counted('responses'),
};

/**
 * Of sums and not of rates: each point is the rate of the seven days up to its own, so the last one of a week tells of
 * that week, and no day weighs more for being written to more often.
 */
const rate: MetricDeclaration = {
  metric_type: 'tenant',
  metric_name: 'response_rate',
  metric_unit: 'percentage',
  direction: 'up',
  aggregation: 'last',
};

/** What is published of businesses. */
export const businessMetrics: readonly MetricDeclaration[] = [...Object.values(counts), rate];

/** The points of one addition: what was added, and the rate where it moved. */
export function computePoints(businessId: string, added: AddedNumbers, measured: MeasuredDay): PublishedPoint[] {
  const { week, recorded_at } = measured;
  const point = (
    { metric_type, metric_name, metric_unit }: MetricDeclaration,
    metric_value: number,
  ): PublishedPoint => ({
    metric_type,
    metric_name,
    metric_value,
    metric_unit,
    business_id: businessId,
    recorded_at,
  });
  const { views, messages, invites, responses = 0 } = added;
  const sums = Object.entries({ views, messages, invites, responses }) as [keyof typeof counts, number][];
  const points = sums.filter(([, value]) => value > 0).map(([name, value]) => point(counts[name], value));
  const isMoved = messages > 0 || invites > 0 || added.responses !== undefined;
  if (isMoved && week.invites > 0) points.push(point(rate, responseRate(week)));
  return points;
}
