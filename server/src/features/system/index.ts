export { createSystemFeature, type SystemFeature } from './system.feature.ts';
