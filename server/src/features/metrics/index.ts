export { createMetricsFeature, type MetricsFeature } from './metrics.feature.ts';
export { startOfKeptMonths } from './metrics.store.ts';
export { metricsTopic } from './write-points.ts';
