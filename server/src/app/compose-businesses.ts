import type { FastifyInstance } from 'fastify';
import { createBusinessesFeature } from '#features/businesses/index.ts';
import type { MetricsFeature } from '#features/metrics/index.ts';
import { createTenantFeature } from '#features/tenant/index.ts';
import type { PersonalData } from '#platform/privacy/personal-data.ts';
import type { Realtime } from '#platform/realtime/realtime.ts';
import type { Platform } from './compose-platform.ts';

/** What users run, and the live dashboard of those who are tenants. */
export interface Businesses {
  readonly personalData: readonly PersonalData[];
  addRoutes(app: FastifyInstance): void;
  serveEvents(realtime: Pick<Realtime, 'namespace'>): void;
}

/** Joins businesses, the metric store that they are measured into, and the tenant's dashboard. */
export function composeBusinesses(
  platform: Platform,
  { recordPoints }: Pick<MetricsFeature, 'recordPoints'>,
): Businesses {
  const businesses = createBusinessesFeature({ ...platform, recordPoints });
  const tenant = createTenantFeature(platform);
  return {
    personalData: businesses.personalData,
    addRoutes: (app) => {
      for (const feature of [businesses, tenant]) feature.addRoutes(app);
    },
    serveEvents: tenant.serveEvents,
  };
}
