export { mfaPersonalData } from './declare-personal-data.ts';
export { createMfaFeature } from './mfa.feature.ts';
