import { getDashboardSummary, getRealtime } from '@almanac/contract/dashboard.ts';
import type { FastifyInstance } from 'fastify';
import type { CachedAnswer } from '#platform/cache/cached-answer.ts';
import { BytesAnswer } from '#platform/http/answers.ts';
import { bind } from '#platform/http/bind.ts';
import type { DashboardService } from './dashboard.service.ts';

const toBytesAnswer = ({ body, etag }: CachedAnswer) => new BytesAnswer(body, etag);

/** GET /api/dashboard/summary, /realtime. */
export function addDashboardRoutes(app: FastifyInstance, service: DashboardService): void {
  bind(app, getDashboardSummary, {
    access: 'dashboard:read',
    handle: ({ principal, query }) => {
      const found = service.getSummary(principal, query);
      return found instanceof Promise ? found.then(toBytesAnswer) : toBytesAnswer(found);
    },
  });
  bind(app, getRealtime, {
    access: 'dashboard:read',
    handle: ({ principal }) => service.getRealtime(principal),
  });
}
