import type { FastifyInstance } from 'fastify';
import type { OnCalendarChange } from '#features/organizations/index.ts';
import type { JobDefinition } from '#platform/jobs/define-job.ts';
import { removeNewestAggregations } from './aggregations.store.ts';
import { assessmentsJobs } from './assessments.jobs.ts';
import { addAssessmentsRoutes } from './assessments.routes.ts';
import { type AssessmentsOptions, createAssessmentsService } from './assessments.service.ts';

/** Assessments of members, and their averages by department and role. */
export interface AssessmentsFeature {
  readonly jobs: readonly JobDefinition[];
  /** Has the averages of the new day computed with the next reading. */
  readonly onCalendarChange: OnCalendarChange;
  addRoutes(app: FastifyInstance): void;
}

export function createAssessmentsFeature(needs: AssessmentsOptions): AssessmentsFeature {
  const service = createAssessmentsService(needs);
  return {
    jobs: assessmentsJobs(),
    onCalendarChange: async (tx, { before, after }) => {
      if (before.timezone !== after.timezone) await removeNewestAggregations(tx, needs.now(), [before, after]);
    },
    addRoutes: (app) => addAssessmentsRoutes(app, service),
  };
}
