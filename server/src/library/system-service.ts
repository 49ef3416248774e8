import type { EndpointAnswer } from '@almanac/contract/endpoint.ts';
import type { getHealth, getPerformance } from '@almanac/contract/system.ts';
import { isConnectionFault } from '#platform/db/faults.ts';
import { type AlmanacHandle, takeAlmanac } from './open-almanac.ts';

/** Times (RFC 3339), or days of UTC, the last of which is whole. */
export interface ReportPeriod {
  periodStart?: string;
  periodEnd?: string;
}

export type Health = EndpointAnswer<typeof getHealth>;
export type PerformanceReport = EndpointAnswer<typeof getPerformance>;

/** How the installation runs, as /api/system tells it. */
export class SystemService {
  readonly #given: AlmanacHandle | undefined;

  /** Works on what `openAlmanac()` answers; on the database that the environment names unless given. */
  constructor(almanac?: AlmanacHandle) {
    this.#given = almanac;
  }

  /** The word itself, at most ten seconds old; `critical` where the database cannot be reached. */
  async getSystemHealth(): Promise<Health['status']> {
    try {
      return await (await this.#service()).getSystemHealth();
    } catch (error) {
      // Not even opened: a database that is away is what this tells of.
      if (isConnectionFault(error)) return 'critical';
      throw error;
    }
  }

  /** Check by check, now. */
  async getHealthChecks(): Promise<Health> {
    return (await this.#service()).readHealth();
  }

  /** What was measured in a period; the last 24 hours unless told. Throws VALIDATION_ERROR. */
  async getPerformanceReport({ periodStart, periodEnd }: ReportPeriod = {}): Promise<PerformanceReport> {
    return (await this.#service()).getPerformanceReport({ periodStart, periodEnd });
  }

  async #service() {
    const { features } = await takeAlmanac(this.#given);
    return features.system.service;
  }
}

/** Works on the database that the environment names. */
export const systemService = new SystemService();
