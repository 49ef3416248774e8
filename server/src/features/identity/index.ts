export { holdRegistrations } from './accounts.store.ts';
export { createIdentityFeature, type IdentityFeature } from './identity.feature.ts';
