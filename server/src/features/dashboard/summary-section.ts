import type { DashboardSummary } from '@almanac/contract/dashboard.ts';
import type { Figure } from '@almanac/contract/report-content.ts';
import { Type } from 'typebox';
import type { MetricsFeature } from '#features/metrics/index.ts';
import { defineSectionType, type SectionType } from '#features/reports/index.ts';
import { dashboardMetrics } from './compute-points.ts';
import { readSummary } from './dashboard.service.ts';

const labels = {
  total_users: 'Members',
  active_users: 'Active members',
  engagement_rate: 'Engagement rate',
  total_assessments: 'Assessments begun',
  completed_assessments: 'Assessments completed',
  completion_rate: 'Completion rate',
} as const;

/** The numbers of the organization's summary, and what its metrics came to. */
export function summarySection({ readHeadlines }: Pick<MetricsFeature, 'readHeadlines'>): SectionType {
  return defineSectionType({
    type: 'metrics_summary',
    summary: 'Who was active, what was assessed and measured, compared with the period before.',
    options: Type.Object(
      { include_metrics: Type.Optional(Type.Boolean({ default: true })) },
      { additionalProperties: false },
    ),
    read: async (tx, { period, options }) => {
      const summary = await readSummary(tx, { periods: period, timezone: period.calendar.timezone }, readHeadlines);
      const metrics = options.include_metrics === false ? [] : toMetricFigures(summary);
      return { figures: [...toFigures(summary, 'user_stats'), ...toFigures(summary, 'assessment_stats'), ...metrics] };
    },
  });
}

function toFigures(summary: DashboardSummary, block: 'user_stats' | 'assessment_stats'): Figure[] {
  const { previous, change_percentage, change_reason, ...current } = summary[block];
  const numbers: Readonly<Record<string, number>> = current;
  const before: Readonly<Record<string, number>> = previous;
  const changes: Readonly<Record<string, number | null>> = change_percentage;
  return Object.entries(numbers).map(([name, value]) => ({
    name,
    label: labels[name as keyof typeof labels],
    value,
    unit: name.endsWith('_rate') ? 'percentage' : 'count',
    direction: 'up',
    previous: before[name] ?? null,
    change_percentage: changes[name] ?? null,
    change_reason: change_reason[name] ?? null,
    as_of: summary.as_of,
    complete: summary.complete,
  }));
}

/** Those that stand above as the numbers themselves are left out. */
function toMetricFigures({ metrics, as_of, complete }: DashboardSummary): Figure[] {
  const own = new Set(dashboardMetrics.map(({ metric_type }) => metric_type));
  return metrics
    .filter(({ metric_type }) => !own.has(metric_type))
    .map(({ metric_type, metric_name, metric_unit, aggregation: _, ...numbers }) => ({
      ...numbers,
      name: `${metric_type}/${metric_name}`,
      label: `${metric_type} ${metric_name}`,
      unit: metric_unit,
      as_of,
      complete,
    }));
}
