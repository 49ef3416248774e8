export { type ApiKeysFeature, createApiKeysFeature } from './api-keys.feature.ts';
export { apiKeysPersonalData } from './declare-personal-data.ts';
