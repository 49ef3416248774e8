export { createIssuersFeature, type IssuersFeature } from './issuers.feature.ts';
