import type { FastifyInstance } from 'fastify';
import { addSubscriptionsRoutes } from './subscriptions.routes.ts';
import { createSubscriptionsService, type SubscriptionsOptions } from './subscriptions.service.ts';

/** The tier of an organization, what it includes and what of it is used. */
interface SubscriptionsFeature {
  addRoutes(app: FastifyInstance): void;
}

export function createSubscriptionsFeature(needs: SubscriptionsOptions): SubscriptionsFeature {
  const service = createSubscriptionsService(needs);
  return { addRoutes: (app) => addSubscriptionsRoutes(app, service) };
}
