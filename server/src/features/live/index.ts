export { createLiveFeature } from './live.feature.ts';
export type { WebSocketService } from './live.service.ts';
