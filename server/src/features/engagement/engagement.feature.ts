import type { FastifyInstance } from 'fastify';
import { addEngagementRoutes } from './engagement.routes.ts';
import { createEngagementService, type EngagementOptions } from './engagement.service.ts';

/** What members do, and how many of them. */
export interface EngagementFeature {
  addRoutes(app: FastifyInstance): void;
}

export function createEngagementFeature(needs: EngagementOptions): EngagementFeature {
  const service = createEngagementService(needs);
  return { addRoutes: (app) => addEngagementRoutes(app, service) };
}
