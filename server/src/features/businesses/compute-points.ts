import type { AddedNumbers, MeasuredDay } from './metrics.store.ts';
import { responseRate } from './response-rate.ts';

/** A metric that businesses are measured by. */
interface DeclaredMetric {
  readonly metric_type: 'tenant';
  readonly metric_name: string;
  readonly metric_unit: 'count' | 'percentage';
  readonly direction: 'up';
  readonly aggregation: 'sum' | 'last';
}

/** A value of a business that is handed to the metric store. */
export interface BusinessPoint {
  readonly metric_type: string;
  readonly metric_name: string;
  readonly metric_value: number;
  readonly metric_unit: string;
  readonly business_id: string;
  readonly recorded_at: Date;
}

const counted = (metric_name: string): DeclaredMetric => ({
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
const rate: DeclaredMetric = {
  metric_type: 'tenant',
  metric_name: 'response_rate',
  metric_unit: 'percentage',
  direction: 'up',
  aggregation: 'last',
};

/** What is published of businesses. */
export const businessMetrics: readonly DeclaredMetric[] = [...Object.values(counts), rate];

/** The points of one addition: what was added, and the rate where it moved. */
export function computePoints(businessId: string, added: AddedNumbers, measured: MeasuredDay): BusinessPoint[] {
  const { week, recorded_at } = measured;
  const point = ({ metric_type, metric_name, metric_unit }: DeclaredMetric, metric_value: number): BusinessPoint => ({
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
