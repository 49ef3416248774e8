import type { LiveMessageType, SubscriptionType } from '@almanac/contract/live.ts';
import type { Permission } from '@almanac/contract/permissions.ts';

interface SubscriptionRule {
  /** What its subscribers are sent. */
  readonly message: LiveMessageType;
  /** The right that it takes, as the same numbers take it over HTTP. */
  readonly access: Permission;
  /** The filters taken beside `organizationId`, each the name of what the event says. */
  readonly filters: readonly FilterName[];
}

/** What narrows a subscription down. */
export type FilterName = 'metric_type' | 'metric_name' | 'report_id';

/** What each type of subscription brings, whom, and how it is narrowed down. */
export const subscriptionRules: Readonly<Record<SubscriptionType, SubscriptionRule>> = {
  dashboard: { message: 'dashboard_update', access: 'dashboard:read', filters: [] },
  metrics: { message: 'metric_update', access: 'metrics:read', filters: ['metric_type', 'metric_name'] },
  system: { message: 'system_alert', access: 'system:read', filters: [] },
  activity: { message: 'user_activity', access: 'dashboard:read', filters: [] },
  reports: { message: 'report_ready', access: 'dashboard:read', filters: ['report_id'] },
};
