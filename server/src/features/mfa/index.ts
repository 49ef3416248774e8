export { mfaPersonalData } from './declare-personal-data.ts';
export { createMfaFeature, type MfaFeature } from './mfa.feature.ts';
