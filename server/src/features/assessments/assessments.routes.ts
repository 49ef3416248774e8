import { addAssessment, getAggregations, listAssessments, updateAssessment } from '@almanac/contract/assessments.ts';
import type { FastifyInstance } from 'fastify';
import { bind } from '#platform/http/bind.ts';
import type { AssessmentsService } from './assessments.service.ts';

/** GET and POST /api/assessments, PUT /api/assessments/:id, GET /api/dashboard/aggregations. */
export function addAssessmentsRoutes(app: FastifyInstance, service: AssessmentsService): void {
  bind(app, listAssessments, {
    access: 'assessments:read',
    handle: ({ principal, query }) => service.list(principal, query),
  });
  bind(app, addAssessment, {
    access: 'assessments:write',
    handle: ({ principal, body, once }) => service.add(principal, body, once),
  });
  bind(app, updateAssessment, {
    access: 'assessments:write',
    handle: ({ principal, params, body }) => service.update(principal, { id: params.id, body }),
  });
  bind(app, getAggregations, {
    access: 'dashboard:read',
    handle: ({ principal, query }) => service.aggregate(principal, query.type),
  });
}
