import { type TenantKpis, type TenantNumbers, trendDays } from '@almanac/contract/tenant.ts';
import { responseRate } from '#features/businesses/index.ts';
import { changeBetween } from '#kernel/change.ts';
import type { PeriodSums, TenantRow } from './tenant.views.ts';

const nothing: PeriodSums = { views: 0, messages: 0, invites: 0, answered: 0 };

/** Puts the KPIs together, with the trend of the last full days. */
export function shapeNumbers(row: TenantRow, days: number | undefined): TenantNumbers {
  const { sums, version, changed_at } = row;
  const current = toKpis(row.active_current, sums.current);
  const previous = toKpis(row.active_previous, sums.previous);
  return {
    ...toKpis(row.active, sums.asked),
    days: days ?? null,
    trend: { days: trendDays, current, previous, ...compare(previous, current), complete: true },
    as_of: changed_at?.toISOString() ?? null,
    complete: days === undefined,
    version,
  };
}

/** The four KPIs of sums, and of how many businesses are active. */
export function toKpis(activeBusinesses: number, sums: PeriodSums = nothing): TenantKpis {
  return {
    activeBusinesses,
    responseRate: responseRate(sums),
    landlordViews: sums.views,
    messagesTotal: sums.messages,
  };
}

function compare(previous: TenantKpis, current: TenantKpis) {
  const names = Object.keys(current) as (keyof TenantKpis)[];
  const changes = names.map((name) => [name, changeBetween(previous[name], current[name])] as const);
  return {
    change_percentage: Object.fromEntries(changes.map(([name, { percent }]) => [name, percent])) as Record<
      keyof TenantKpis,
      number | null
    >,
    change_reason: Object.fromEntries(changes.flatMap(([name, { reason }]) => (reason ? [[name, reason]] : []))),
  };
}
