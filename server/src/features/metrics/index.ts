export type { MetricDeclaration } from './describe-metric.ts';
export { createMetricsFeature, type MetricsFeature } from './metrics.feature.ts';
export { startOfKeptMonths } from './points.store.ts';
export type { Headline } from './read-metrics.ts';
export { metricsTopic, type PublishedPoint } from './write-points.ts';
