import { addPoints, describeMetric, getCatalog, getTrends, listPoints } from '@almanac/contract/metrics.ts';
import type { FastifyInstance } from 'fastify';
import type { CachedAnswer } from '#platform/cache/cached-answer.ts';
import { BytesAnswer } from '#platform/http/answers.ts';
import { bind } from '#platform/http/bind.ts';
import type { MetricsService } from './metrics.service.ts';

function answerBytes(found: CachedAnswer | Promise<CachedAnswer>): BytesAnswer | Promise<BytesAnswer> {
  return found instanceof Promise ? found.then(toBytesAnswer) : toBytesAnswer(found);
}

const toBytesAnswer = ({ body, etag }: CachedAnswer) => new BytesAnswer(body, etag);

/** GET and POST /api/dashboard/metrics, GET and PUT /api/dashboard/catalog, GET /api/dashboard/trends. */
export function addMetricsRoutes(app: FastifyInstance, service: MetricsService): void {
  bind(app, addPoints, {
    access: 'metrics:write',
    handle: ({ principal, body, lines, once }) =>
      lines ? service.addLines(principal, lines) : service.addPoints(principal, body.points, once),
  });
  bind(app, listPoints, {
    access: 'metrics:read',
    handle: ({ principal, query }) => service.list(principal, query),
  });
  bind(app, getCatalog, {
    access: 'metrics:read',
    handle: ({ principal }) => answerBytes(service.getCatalog(principal)),
  });
  bind(app, describeMetric, {
    access: 'metrics:describe',
    handle: ({ principal, params, body }) => service.describe(principal, params, body),
  });
  bind(app, getTrends, {
    access: 'metrics:read',
    handle: ({ principal, query }) => answerBytes(service.getTrends(principal, query)),
  });
}
