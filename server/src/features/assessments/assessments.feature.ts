import type { FastifyInstance } from 'fastify';
import type { JobDefinition } from '#platform/jobs/define-job.ts';
import { assessmentsJobs } from './assessments.jobs.ts';
import { addAssessmentsRoutes } from './assessments.routes.ts';
import { type AssessmentsOptions, createAssessmentsService } from './assessments.service.ts';

/** Assessments of members, and their averages by department and role. */
export interface AssessmentsFeature {
  readonly jobs: readonly JobDefinition[];
  addRoutes(app: FastifyInstance): void;
}

export function createAssessmentsFeature(needs: AssessmentsOptions): AssessmentsFeature {
  const service = createAssessmentsService(needs);
  return { jobs: assessmentsJobs(), addRoutes: (app) => addAssessmentsRoutes(app, service) };
}
