import { addActivity } from '@almanac/contract/engagement.ts';
import type { FastifyInstance } from 'fastify';
import { bind } from '#platform/http/bind.ts';
import type { EngagementService } from './engagement.service.ts';

/** POST /api/activity. */
export function addEngagementRoutes(app: FastifyInstance, service: EngagementService): void {
  bind(app, addActivity, {
    access: 'activity:write',
    handle: ({ principal, body, once }) => service.addEvents(principal, body.events, once),
  });
}
