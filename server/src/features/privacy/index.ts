export { createPrivacyFeature, type PrivacyFeature } from './privacy.feature.ts';
