export { createIdentityFeature, type IdentityFeature } from './identity.feature.ts';
