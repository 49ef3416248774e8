import { tenantNamespace } from '@almanac/contract/tenant.ts';
import type { FastifyInstance } from 'fastify';
import type { Realtime } from '#platform/realtime/realtime.ts';
import { serveTenantEvents, tenantRules } from './tenant.events.ts';
import { addTenantRoutes } from './tenant.routes.ts';
import { createTenantService, type TenantOptions } from './tenant.service.ts';

/** The dashboard of accounts of the type tenant: KPIs over all their businesses. */
export interface TenantFeature {
  addRoutes(app: FastifyInstance): void;
  /** Opens the namespace and serves it. */
  serveEvents(realtime: Pick<Realtime, 'namespace'>): void;
}

export function createTenantFeature(needs: TenantOptions): TenantFeature {
  const service = createTenantService(needs);
  return {
    addRoutes: (app) => addTenantRoutes(app, service),
    serveEvents: (realtime) => serveTenantEvents(realtime.namespace(tenantNamespace, tenantRules), service),
  };
}
