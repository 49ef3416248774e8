import { getTenantDashboard, getTenantKpis } from '@almanac/contract/tenant.ts';
import type { FastifyInstance } from 'fastify';
import type { CachedAnswer } from '#platform/cache/cached-answer.ts';
import { BytesAnswer } from '#platform/http/answers.ts';
import { bind } from '#platform/http/bind.ts';
import type { TenantService } from './tenant.service.ts';

const toBytesAnswer = ({ body, etag }: CachedAnswer) => new BytesAnswer(body, etag);
const answerBytes = (found: CachedAnswer | Promise<CachedAnswer>) =>
  found instanceof Promise ? found.then(toBytesAnswer) : toBytesAnswer(found);

/** GET /api/dashboard/tenant, /api/dashboard/tenant/kpis. */
export function addTenantRoutes(app: FastifyInstance, service: TenantService): void {
  bind(app, getTenantDashboard, {
    access: 'tenant:read',
    handle: ({ principal, query }) => answerBytes(service.getDashboard(principal, query)),
  });
  bind(app, getTenantKpis, {
    access: 'tenant:read',
    handle: ({ principal, query }) => answerBytes(service.getKpis(principal, query.days)),
  });
}
