import { changeTier, getSubscription } from '@almanac/contract/subscription.ts';
import type { FastifyInstance } from 'fastify';
import { bind } from '#platform/http/bind.ts';
import type { SubscriptionsService } from './subscriptions.service.ts';

/** GET /users/subscription; POST /users/upgrade. */
export function addSubscriptionsRoutes(app: FastifyInstance, service: SubscriptionsService): void {
  bind(app, getSubscription, { access: 'subscription:read', handle: ({ principal }) => service.get(principal) });
  bind(app, changeTier, {
    access: 'subscription:write',
    handle: ({ principal, body }) => service.change(principal, body.tier),
  });
}
