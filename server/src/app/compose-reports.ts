import { oceanSection } from '#features/assessments/index.ts';
import { customMetricsSection, measuredSection, summarySection, trendsSection } from '#features/dashboard/index.ts';
import { activitySection } from '#features/engagement/index.ts';
import type { MetricsFeature } from '#features/metrics/index.ts';
import { createReportsFeature, type ReportsFeature } from '#features/reports/index.ts';
import { weeklySection } from '#features/weekly/index.ts';
import type { Platform } from './compose-platform.ts';

/** What a report is of where nobody has made a template. */
const defaultTemplate = {
  name: 'Weekly report',
  sections: [
    { type: 'metrics_summary', title: 'Key Metrics', include_charts: true },
    { type: 'ocean_insights', title: 'Personality Insights', include_aggregations: true },
    { type: 'activity', title: 'Activity' },
    { type: 'trends', title: 'Trends' },
    { type: 'weekly_activity', title: 'Weekly activity' },
  ],
};

/** What writes the numbers that sections show; what nothing of it is late for is final. */
const inputs = ['calculate_all_metrics', 'recompute_weeks', 'recount_active_days', 'rebuild_metric_days'];

/** Joins reports with what can fill their sections. */
export function composeReports(platform: Platform, metrics: MetricsFeature): ReportsFeature {
  const tenantKpis = {
    type: 'tenant_kpis',
    summary: 'Views, messages, invites and responses of all businesses, by day.',
    metricType: 'tenant',
  };
  const sectionTypes = [
    summarySection(metrics),
    oceanSection,
    activitySection,
    trendsSection(metrics),
    weeklySection,
    measuredSection(metrics, tenantKpis),
    customMetricsSection(metrics),
  ];
  return createReportsFeature({ ...platform, sectionTypes, defaultTemplate, inputs });
}
