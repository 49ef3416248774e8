import type { EndpointAnswer } from '@almanac/contract/endpoint.ts';
import type { getTrends, Metric } from '@almanac/contract/metrics.ts';
import { changeBetween } from '#kernel/change.ts';
import type { Week } from '#kernel/weeks.ts';
import { findAnomalies, fitTheilSen, judgeTrend } from './trend.ts';

/** A period's values of a metric, over all its series. */
export interface PeriodRow {
  metric_type: string;
  metric_name: string;
  period: number;
  count: number;
  sum: string;
  average: string;
  /** The last values of the series, added up and averaged. */
  last_total: string;
  last_average: string;
  last_at: Date;
}

/** What a metric came to in periods. */
export interface PeriodValues {
  readonly rows: readonly PeriodRow[];
  /** Epoch milliseconds from which on the days are right: infinite while all are counted anew. */
  readonly settledFromMs: number;
}

/** What a metric came to by weeks or days, as GET /trends answers it. */
export type TrendAnswer = EndpointAnswer<typeof getTrends>;

/** Whole local days that a value is of: a week, or one day. */
export type TrendStep = Pick<Week, 'startDate' | 'startMs' | 'endMs'>;

export interface TrendInput {
  readonly metric: Metric;
  /** The weeks shown and the one before them, in order. */
  readonly weeks: readonly TrendStep[];
  /** The values by the weeks' places. */
  readonly values: PeriodValues;
  readonly nowMs: number;
}

/**
 * Puts a metric's weeks together. The running one, and those whose days are being counted anew, are shown, are compared
 * with nothing and decide nothing.
 */
export function shapeTrend({ metric, weeks, values: { rows, settledFromMs }, nowMs }: TrendInput): TrendAnswer {
  const values = weeks.map((_, place) =>
    aggregateOf(
      rows.find(({ period }) => period === place),
      metric,
    ),
  );
  const isOver = (place: number) => (weeks[place]?.endMs ?? 0) <= nowMs;
  const isSettled = (place: number) => (weeks[place]?.startMs ?? 0) >= settledFromMs;
  const isFull = (place: number) => isOver(place) && isSettled(place);
  const samples = values.flatMap((y, x) => (y === null || !isFull(x) || x === 0 ? [] : [{ x, y }]));
  const marks = findAnomalies(samples, fitTheilSen(samples));
  const anomalies = new Set(samples.filter((_, index) => marks[index]).map(({ x }) => x));
  const { metric_type, metric_name, metric_unit, direction, aggregation } = metric;
  const trend_data = weeks.slice(1).map((week, index) => {
    const place = index + 1;
    const change = describeChange(values[index] ?? null, values[place] ?? null, isFull(place) && isSettled(index));
    const partial = isOver(place) ? {} : { partial: true };
    const complete = isSettled(place) ? {} : { complete: false };
    return {
      week_start: week.startDate,
      value: values[place] ?? null,
      ...change,
      ...partial,
      ...complete,
      anomaly: anomalies.has(place),
    };
  });
  const asOfMs = rows.map(({ last_at }) => last_at.getTime());
  return {
    ...{ metric_type, metric_name, metric_unit, direction, aggregation, trend_data },
    overall_trend: judgeTrend(samples, direction),
    as_of: asOfMs.length === 0 ? null : new Date(Math.max(...asOfMs)).toISOString(),
    complete: trend_data.every(({ partial, complete }) => !partial && complete !== false),
  };
}

/** What a period's values come to; null where there is none. Last values of counts are added up, others averaged. */
export function aggregateOf(
  row: PeriodRow | undefined,
  { aggregation, metric_unit }: Pick<Metric, 'aggregation' | 'metric_unit'>,
): number | null {
  if (!row) return null;
  if (aggregation === 'sum') return Number(row.sum);
  if (aggregation === 'average') return Number(row.average);
  return Number(metric_unit === 'count' ? row.last_total : row.last_average);
}

function describeChange(previous: number | null, current: number | null, isFull: boolean) {
  if (!isFull) return { change_percentage: null, change_reason: 'period_incomplete' };
  if (current === null) return { change_percentage: null, change_reason: 'value_missing' };
  const { percent, reason } = changeBetween(previous, current);
  return reason === undefined ? { change_percentage: percent } : { change_percentage: percent, change_reason: reason };
}
