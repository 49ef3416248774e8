import { type DashboardSummary, type getRealtime, mostDays } from '@almanac/contract/dashboard.ts';
import type { EndpointAnswer } from '@almanac/contract/endpoint.ts';
import { validationFailed } from '#platform/errors/app-error.ts';
import { actFor } from './act-for.ts';
import { type AlmanacHandle, takeAlmanac } from './open-almanac.ts';

/** Which days: the last so many, today included (7 unless told), or the first and the last one, `YYYY-MM-DD`. */
export interface SummaryQuery {
  organizationId: string;
  periodDays?: number;
  periodStart?: string;
  periodEnd?: string;
}

export type RealtimeData = EndpointAnswer<typeof getRealtime>;

/** The organization's dashboard, as GET /api/dashboard/summary and /realtime answer it, and from the same cache. */
export class DashboardService {
  readonly #given: AlmanacHandle | undefined;

  /** Works on what `openAlmanac()` answers; on the database that the environment names unless given. */
  constructor(almanac?: AlmanacHandle) {
    this.#given = almanac;
  }

  /** The numbers of a period, compared with those of the one before. Throws VALIDATION_ERROR, NOT_FOUND. */
  async getSummary({ organizationId, periodDays, periodStart, periodEnd }: SummaryQuery): Promise<DashboardSummary> {
    requireDays(periodDays);
    const almanac = await takeAlmanac(this.#given);
    const reader = await actFor(almanac, organizationId);
    const asked = { period_days: periodDays, period_start: periodStart, period_end: periodEnd };
    const { body } = await almanac.features.dashboard.getSummary(reader, asked);
    return JSON.parse(body.toString()) as DashboardSummary;
  }

  /** Who is active at the moment. Throws VALIDATION_ERROR, NOT_FOUND. */
  async getRealtimeData({ organizationId }: { organizationId: string }): Promise<RealtimeData> {
    const almanac = await takeAlmanac(this.#given);
    return almanac.features.dashboard.getRealtime(await actFor(almanac, organizationId));
  }
}

function requireDays(days: number | undefined): void {
  if (days === undefined || (Number.isInteger(days) && days >= 1 && days <= mostDays)) return;
  throw validationFailed([{ field: 'periodDays', issue: `${days} is no whole number from 1 to ${mostDays}` }]);
}
