import type { Metric } from '@almanac/contract/metrics.ts';
import { aggregateOf, shapeTrend, type TrendAnswer, type TrendInput } from '#analysis/shape-trend.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import { keyOf } from './metrics.store.ts';
import { isSettledFrom, readPeriods, readStretches, type Stretch } from './metrics.views.ts';

/** A metric's value in a period and in the part of the one before that it is compared with. */
export interface Headline extends Pick<Metric, 'metric_type' | 'metric_name' | 'metric_unit' | 'direction'> {
  readonly aggregation: Metric['aggregation'];
  /** Null where the period has none. */
  readonly value: number | null;
  readonly previous: number | null;
  /** The newest point counted. */
  readonly as_of: Date | null;
}

/** What metrics came to. */
export interface Headlines {
  readonly headlines: readonly Headline[];
  /** False while days of the ranges are counted anew after a change of the time zone. */
  readonly isSettled: boolean;
}

/** Two half-open ranges in epoch milliseconds, of days of a time zone. */
export interface HeadlineRanges {
  readonly timezone: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly previousFromMs: number;
  readonly previousToMs: number;
}

const mostHeadlines = 50;

/**
 * What each metric of a list came to in two ranges that begin at local midnights, the first 50 that have a value in
 * either. A range that ends within a day or an hour counts what is before its end, to the point.
 */
export async function readHeadlines(
  tx: OrganizationTx,
  metrics: readonly Metric[],
  ranges: HeadlineRanges,
): Promise<Headlines> {
  const { fromMs, toMs, previousFromMs, previousToMs, timezone } = ranges;
  const current = stretch(fromMs, toMs, timezone);
  const before = stretch(previousFromMs, previousToMs, timezone);
  const rows = await readStretches(tx, [current, before]);
  const byMetric = Map.groupBy(rows, (row) => keyOf(row));
  const found = metrics.flatMap((metric) => {
    const own = byMetric.get(keyOf(metric)) ?? [];
    return own.length === 0 ? [] : [{ metric, own }];
  });
  const headlines = found.slice(0, mostHeadlines).map(({ metric, own }) => {
    const [now, then] = [own.find(({ period }) => period === 0), own.find(({ period }) => period === 1)];
    const { metric_type, metric_name, metric_unit, direction, aggregation } = metric;
    return {
      ...{ metric_type, metric_name, metric_unit, direction, aggregation },
      value: aggregateOf(now, metric),
      previous: aggregateOf(then, metric),
      as_of: now?.last_at ?? null,
    };
  });
  return { headlines, isSettled: await isSettledFrom(tx, Math.min(fromMs, previousFromMs)) };
}

function stretch(fromMs: number, toMs: number, timezone: string): Stretch {
  const end = Temporal.Instant.fromEpochMilliseconds(toMs).toZonedDateTimeISO(timezone);
  const lastDay = new Date(Math.max(fromMs, end.startOfDay().epochMilliseconds));
  const hour = end.round({ smallestUnit: 'hour', roundingMode: 'floor' });
  return {
    from: new Date(fromMs),
    lastDay,
    lastHour: new Date(Math.max(fromMs, hour.epochMilliseconds)),
    to: new Date(toMs),
  };
}

interface AskedTrends extends Omit<TrendInput, 'metric' | 'values'> {
  readonly metrics: readonly Metric[];
  readonly timezone: string;
}

/** Reads the weeks, or days, of metrics and puts them together, in their order; the first one is only compared with. */
export async function readTrends(
  tx: OrganizationTx,
  { metrics, timezone, weeks, nowMs }: AskedTrends,
): Promise<TrendAnswer[]> {
  const bounds = [...weeks.map(({ startMs }) => new Date(startMs)), new Date(weeks.at(-1)?.endMs ?? 0)];
  const values = await readPeriods(tx, { metrics, bounds, timezone });
  return values.flatMap((own, index) => {
    const metric = metrics[index];
    return metric ? [shapeTrend({ metric, weeks, values: own, nowMs })] : [];
  });
}
