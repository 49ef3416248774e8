export { dashboardMetrics } from './compute-points.ts';
export { createDashboardFeature, type DashboardFeature } from './dashboard.feature.ts';
export { dashboardTopic } from './dashboard.service.ts';
export { customMetricsSection, measuredSection, trendsSection } from './measured-sections.ts';
export { summarySection } from './summary-section.ts';
