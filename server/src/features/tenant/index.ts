export { createTenantFeature } from './tenant.feature.ts';
