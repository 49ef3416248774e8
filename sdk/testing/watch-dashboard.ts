import type { Business } from '@almanac/contract/businesses.ts';
import type { TenantEvent } from '@almanac/contract/tenant.ts';
import type { Client, DashboardConnection, DashboardEvent, LiveState } from '../src/index.ts';

/** A follower of a dashboard that makes a state of what it is told. */
export interface WatchedDashboard {
  readonly connection: DashboardConnection;
  readonly types: string[];
  readonly states: LiveState[];
  readonly ends: unknown[];
  /** How often it was told all. */
  readonly wholes: number;
  readonly kpis: TenantEvent<'kpi:update'> | undefined;
  readonly businesses: ReadonlyMap<string, Business>;
  /** Versions that were left out or came again. */
  readonly faults: string[];
  /** Resolves when that is so, at once or with something that it is told. */
  until(isSo: (dashboard: WatchedDashboard) => boolean): Promise<void>;
}

/** Follows the dashboard of a client's user. */
export function watchDashboard(client: Client): WatchedDashboard {
  const waiting = new Set<() => void>();
  const look = () => {
    for (const check of [...waiting]) check();
  };
  let version = 0;
  const businesses = new Map<string, Business>();
  const watched = {
    types: [] as string[],
    states: [] as LiveState[],
    ends: [] as unknown[],
    faults: [] as string[],
    wholes: 0,
    kpis: undefined as TenantEvent<'kpi:update'> | undefined,
    businesses,
  };

  function apply({ type, payload }: Exclude<DashboardEvent, { type: 'kpi:update' }>): void {
    if (payload.version !== version + 1) watched.faults.push(`${type} ${payload.version} after ${version}`);
    version = payload.version;
    if (type === 'business:deleted') businesses.delete(payload.businessId);
    else if (type === 'metrics:updated') {
      const known = businesses.get(payload.businessId);
      if (known) businesses.set(known.id, { ...known, ...payload.totals });
    } else {
      const { version: _, ...business } = payload;
      businesses.set(business.id, business);
    }
  }

  const connection = client.connectDashboard({
    onDashboard: (dashboard) => {
      const { activeBusinesses, responseRate, landlordViews, messagesTotal } = dashboard.kpis;
      watched.wholes += 1;
      watched.kpis = { activeBusinesses, responseRate, landlordViews, messagesTotal, version: dashboard.kpis.version };
      version = dashboard.version;
      businesses.clear();
      for (const business of dashboard.businesses) businesses.set(business.id, business);
      look();
    },
    onEvent: (event) => {
      watched.types.push(event.type);
      if (event.type === 'kpi:update') watched.kpis = event.payload;
      else apply(event);
      look();
    },
    onState: (state) => {
      watched.states.push(state);
      look();
    },
    onEnd: (reason) => {
      watched.ends.push(reason);
      look();
    },
  });
  const dashboard: WatchedDashboard = Object.assign(watched, {
    connection,
    until: (isSo: (it: WatchedDashboard) => boolean) =>
      new Promise<void>((resolve) => {
        const check = () => {
          if (!isSo(dashboard)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
  });
  return dashboard;
}
