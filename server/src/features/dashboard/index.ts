export { dashboardMetrics } from './compute-points.ts';
export { createDashboardFeature, type DashboardFeature } from './dashboard.feature.ts';
export { dashboardTopic } from './dashboard.service.ts';
