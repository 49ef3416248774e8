import type { TenantDashboard, TenantEvent } from '@almanac/contract/tenant.ts';
import type { LiveState } from './socket-link.ts';

/** The types of what is told of a tenant's dashboard between one whole one and the next. */
export const dashboardEventTypes = [
  'kpi:update',
  'business:created',
  'business:updated',
  'business:deleted',
  'metrics:updated',
] as const;

type DashboardEventType = (typeof dashboardEventTypes)[number];

/** A change of the dashboard; its type tells what the payload holds. */
export type DashboardEvent = {
  [Type in DashboardEventType]: { readonly type: Type; readonly payload: TenantEvent<Type> };
}[DashboardEventType];

/** Who is told of a tenant's dashboard. */
export interface DashboardOptions {
  /** Is handed the whole dashboard: at the beginning, and wherever what changed since is not told one by one. */
  onDashboard: (dashboard: TenantDashboard) => void;
  /** Is handed each change since, once and in order; of the KPIs the newest state. */
  onEvent: (event: DashboardEvent) => void;
  onState?: ((state: LiveState) => void) | undefined;
  /** The session has ended, or the account is no tenant's: nothing more comes. */
  onEnd?: ((reason: unknown) => void) | undefined;
}

/** A tenant's dashboard that is followed, until it is closed. */
export interface DashboardConnection {
  readonly state: LiveState;
  /** The version of what was told last; undefined before the first. */
  readonly version: number | undefined;
  close(): void;
}
