import type { FeedEventType } from './feed.ts';

/** What can be subscribed to on the default namespace of Socket.IO, by `subscribe {type, filters?}`. */
export const subscriptionTypes = ['dashboard', 'metrics', 'system', 'activity', 'reports'] as const;

export type SubscriptionType = (typeof subscriptionTypes)[number];

/** The names of the messages that subscribers are sent; each is the feed event of that type. */
export const liveMessageTypes = [
  'dashboard_update',
  'metric_update',
  'system_alert',
  'user_activity',
  'report_ready',
] as const satisfies readonly FeedEventType[];

export type LiveMessageType = (typeof liveMessageTypes)[number];

/** A message as a subscriber is sent it, under the name of its type. */
export interface LiveMessage {
  /** The number of the event in the organization's feed: it grows from message to message. */
  readonly id: number;
  readonly type: LiveMessageType;
  readonly organizationId: string;
  /** When it was announced, RFC 3339 in UTC. */
  readonly timestamp: string;
  /** The summary for `dashboard_update`, what the feed event says for the others. */
  readonly payload: unknown;
}
