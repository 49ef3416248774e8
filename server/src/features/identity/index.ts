export { holdRegistrations } from './accounts.store.ts';
export { wrongCode } from './identity.errors.ts';
export { createIdentityFeature, type IdentityFeature } from './identity.feature.ts';
