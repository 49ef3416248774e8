import type { FastifyInstance } from 'fastify';
import { addTenantRoutes } from './tenant.routes.ts';
import { createTenantService, type TenantOptions } from './tenant.service.ts';

/** The dashboard of accounts of the type tenant: KPIs over all their businesses. */
export interface TenantFeature {
  addRoutes(app: FastifyInstance): void;
}

export function createTenantFeature(needs: TenantOptions): TenantFeature {
  const service = createTenantService(needs);
  return { addRoutes: (app) => addTenantRoutes(app, service) };
}
