export type { Broadcast } from './check-broadcast.ts';
export type { Subscription } from './hold-subscriptions.ts';
export { createLiveFeature } from './live.feature.ts';
export type { WebSocketService } from './live.service.ts';
export type { WebSocketConnection } from './open-connection.ts';
export type { SentSubscription } from './read-subscription.ts';
