export { createSourcesFeature, type SourcesFeature } from './sources.feature.ts';
export { putSource } from './sources.store.ts';
