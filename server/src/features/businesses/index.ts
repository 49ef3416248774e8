export { tenantTopic } from './announce-change.ts';
export { createBusinessesFeature } from './businesses.feature.ts';
export { businessesOf, type ListedBusiness, toBusiness } from './businesses.store.ts';
export { businessMetrics } from './compute-points.ts';
export { responseRate } from './response-rate.ts';
