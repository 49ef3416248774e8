import type { Metric } from '@almanac/contract/metrics.ts';
import type { Figure, Series } from '@almanac/contract/report-content.ts';
import { Type } from 'typebox';
import type { TrendAnswer, TrendStep } from '#analysis/shape-trend.ts';
import type { Headline, MetricsFeature } from '#features/metrics/index.ts';
import { compareFigure, defineSectionType, type ReportPeriod, type SectionType } from '#features/reports/index.ts';
import { eachDay, periodUntil } from '#kernel/days.ts';
import { shiftWeek, weekAt } from '#kernel/weeks.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';

type Readers = Pick<MetricsFeature, 'listMetrics' | 'readHeadlinesOf' | 'readTrends'>;

const strict = { additionalProperties: false };
const mostMetrics = 20;
/** The trends of a template that names none. */
const shownTrends = 6;
const Name = Type.String({ minLength: 1, maxLength: 100 });

/** Weeks of metrics: of those named, or of the first that were measured in the period. */
export function trendsSection(readers: Readers): SectionType {
  return defineSectionType({
    type: 'trends',
    summary: 'Metrics by week, where they are going and what lies far off.',
    options: Type.Object(
      {
        metric_type: Type.Optional(Name),
        metric_name: Type.Optional(Name),
        weeks: Type.Optional(Type.Integer({ minimum: 3, maximum: 52, default: 12 })),
      },
      strict,
    ),
    read: async (tx, { period, options: { metric_type, metric_name, weeks = 12 } }) => {
      const metrics = (await readers.listMetrics(tx)).filter(
        (metric) =>
          (metric_type === undefined || metric.metric_type === metric_type) &&
          (metric_name === undefined || metric.metric_name === metric_name),
      );
      const { figures, measured } = await readFigures(tx, { metrics, period }, readers);
      const shown = measured.slice(0, metric_type === undefined ? shownTrends : mostMetrics);
      const trends = await readers.readTrends(tx, {
        metrics: shown,
        weeks: listWeeks(period, weeks),
        ...timesOf(period),
      });
      const names = new Set(shown.map(nameOf));
      return {
        figures: figures.filter(({ name }) => names.has(name)),
        series: trends.map((trend) => toSeries(trend, 'week')),
        notes: [trends.map((trend) => `- ${labelOf(trend)}: ${trend.overall_trend.replace('_', ' ')}`).join('\n')],
      };
    },
  });
}

/** Any metrics of the catalogue, by day. */
export function customMetricsSection(readers: Readers): SectionType {
  const metric = Type.Object({ metric_type: Name, metric_name: Name }, strict);
  return defineSectionType({
    type: 'custom_metrics',
    summary: 'Any metrics of the catalogue, by day.',
    options: Type.Object({ metrics: Type.Array(metric, { minItems: 1, maxItems: mostMetrics }) }, strict),
    read: async (tx, { period, options }) => {
      const wanted = new Set(options.metrics.map(nameOf));
      const metrics = (await readers.listMetrics(tx)).filter((known) => wanted.has(nameOf(known)));
      const known = new Set(metrics.map(nameOf));
      const missing = [...wanted].filter((name) => !known.has(name));
      const data = await readDaily(tx, { metrics, period }, readers);
      return { ...data, notes: missing.map((name) => `${name} has never been measured.`) };
    },
  });
}

/** The metrics of one type, by day, under a name of their own. */
export function measuredSection(
  readers: Readers,
  { type, summary, metricType }: { type: string; summary: string; metricType: string },
): SectionType {
  return defineSectionType({
    type,
    summary,
    options: Type.Object({}, strict),
    read: async (tx, { period }) => {
      const metrics = (await readers.listMetrics(tx)).filter(({ metric_type }) => metric_type === metricType);
      return readDaily(tx, { metrics: metrics.slice(0, mostMetrics), period }, readers);
    },
  });
}

interface Asked {
  readonly metrics: readonly Metric[];
  readonly period: ReportPeriod;
}

async function readDaily(tx: OrganizationTx, { metrics, period }: Asked, readers: Readers) {
  const { figures, measured } = await readFigures(tx, { metrics, period }, readers);
  const trends = await readers.readTrends(tx, { metrics: measured, weeks: listDays(period), ...timesOf(period) });
  return { figures, series: trends.map((trend) => toSeries(trend, 'day')) };
}

/** What metrics came to in the period, and those of them that have a value in it or in the one before. */
async function readFigures(tx: OrganizationTx, { metrics, period }: Asked, { readHeadlinesOf }: Readers) {
  const { current, previous, previousUntilMs } = period;
  const { headlines, isSettled } = await readHeadlinesOf(tx, metrics, {
    timezone: period.calendar.timezone,
    fromMs: current.startMs,
    toMs: current.endMs,
    previousFromMs: previous.startMs,
    previousToMs: previousUntilMs,
  });
  const names = new Set(headlines.map(nameOf));
  return {
    figures: headlines.map((headline) => toFigure(headline, { period, isSettled })),
    measured: metrics.filter((metric) => names.has(nameOf(metric))),
  };
}

const timesOf = ({ calendar: { timezone }, nowMs }: ReportPeriod) => ({ timezone, nowMs });

/** The weeks up to the last one that ends with the period or before it, or that is running; and the one before them. */
function listWeeks({ current, nowMs, calendar }: ReportPeriod, count: number): TrendStep[] {
  const reached = weekAt(Math.min(current.endMs - 1, nowMs), calendar);
  const isCut = reached.endMs > current.endMs && current.endMs <= nowMs;
  const last = isCut ? shiftWeek(reached, -1) : reached;
  return Array.from({ length: count + 1 }, (_, index) => shiftWeek(last, index - count));
}

/** The days of the period, and the one before them. */
function listDays({ current, calendar: { timezone } }: ReportPeriod): TrendStep[] {
  const before = Temporal.PlainDate.from(current.startDate).subtract({ days: 1 });
  return [periodUntil(before, 1, timezone), ...eachDay(current, timezone)];
}

type Named = Pick<TrendAnswer, 'metric_type' | 'metric_name'>;
const nameOf = ({ metric_type, metric_name }: Named) => `${metric_type}/${metric_name}`;
const labelOf = ({ metric_type, metric_name }: Named) => `${metric_type} ${metric_name}`;

function toFigure(headline: Headline, { period, isSettled }: { period: ReportPeriod; isSettled: boolean }): Figure {
  const { value, previous, metric_unit: unit, direction } = headline;
  const as_of = headline.as_of?.toISOString() ?? null;
  const named = { name: nameOf(headline), label: labelOf(headline), unit, direction };
  return compareFigure({ ...named, value, previous, as_of, isSettled }, period);
}

function toSeries(trend: TrendAnswer, step: Series['step']): Omit<Series, 'compared'> {
  return {
    name: nameOf(trend),
    label: labelOf(trend),
    unit: trend.metric_unit,
    direction: trend.direction,
    step,
    points: trend.trend_data.map(({ week_start: at, value, anomaly, partial = false, complete = true }) => ({
      at,
      value,
      partial: partial || !complete,
      anomaly,
    })),
  };
}
