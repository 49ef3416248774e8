import type { FastifyInstance } from 'fastify';
import type { PersonalData } from '#platform/privacy/personal-data.ts';
import { addBusinessesRoutes } from './businesses.routes.ts';
import { type BusinessesOptions, createBusinessesService } from './businesses.service.ts';
import { declareBusinesses } from './declare-personal-data.ts';

/** Businesses that users run, and their numbers by day. */
export interface BusinessesFeature {
  readonly personalData: readonly PersonalData[];
  addRoutes(app: FastifyInstance): void;
}

export function createBusinessesFeature(needs: BusinessesOptions): BusinessesFeature {
  const service = createBusinessesService(needs);
  return { personalData: declareBusinesses(needs.caches), addRoutes: (app) => addBusinessesRoutes(app, service) };
}
