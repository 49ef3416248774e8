import type { FastifyInstance } from 'fastify';
import type { MetricsFeature } from '#features/metrics/index.ts';
import type { JobDefinition } from '#platform/jobs/define-job.ts';
import { dashboardJobs } from './dashboard.jobs.ts';
import { addDashboardRoutes } from './dashboard.routes.ts';
import { createDashboardService, type DashboardOptions, type DashboardService } from './dashboard.service.ts';

export type DashboardNeeds = DashboardOptions & Pick<MetricsFeature, 'recordPoints'>;

/** The organization's dashboard. */
export interface DashboardFeature extends DashboardService {
  readonly jobs: readonly JobDefinition[];
  addRoutes(app: FastifyInstance): void;
}

export function createDashboardFeature(needs: DashboardNeeds): DashboardFeature {
  const service = createDashboardService(needs);
  return { ...service, jobs: dashboardJobs(needs), addRoutes: (app) => addDashboardRoutes(app, service) };
}
