import {
  addBusiness,
  addBusinessMetrics,
  deleteBusiness,
  getBusiness,
  listBusinesses,
  updateBusiness,
} from '@almanac/contract/businesses.ts';
import type { FastifyInstance } from 'fastify';
import { bind } from '#platform/http/bind.ts';
import type { BusinessesService } from './businesses.service.ts';

/** GET and POST /api/businesses, GET, PUT and DELETE /api/businesses/:id, POST /api/businesses/:id/metrics. */
export function addBusinessesRoutes(app: FastifyInstance, service: BusinessesService): void {
  bind(app, listBusinesses, {
    access: 'businesses:read',
    handle: ({ principal, query }) => service.list(principal, query),
  });
  bind(app, addBusiness, {
    access: 'businesses:write',
    handle: ({ principal, body, once }) => service.add(principal, body, once),
  });
  bind(app, getBusiness, {
    access: 'businesses:read',
    handle: ({ principal, params }) => service.get(principal, params.id),
  });
  bind(app, updateBusiness, {
    access: 'businesses:write',
    handle: ({ principal, params, body }) => service.update(principal, { id: params.id, body }),
  });
  bind(app, deleteBusiness, {
    access: 'businesses:write',
    handle: ({ principal, params }) => service.remove(principal, params.id),
  });
  bind(app, addBusinessMetrics, {
    access: 'businesses:write',
    handle: ({ principal, params, body, once }) => service.addMetrics(principal, { id: params.id, body }, once),
  });
}
