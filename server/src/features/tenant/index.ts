export { createTenantFeature, type TenantFeature } from './tenant.feature.ts';
