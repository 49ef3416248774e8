export { requireRoom } from './check-room.ts';
export { createSubscriptionsFeature } from './subscriptions.feature.ts';
export { countUsage } from './subscriptions.store.ts';
