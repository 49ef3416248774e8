import type { FastifyInstance } from 'fastify';
import type { CalendarWaiting, OnCalendarChange } from '#features/organizations/index.ts';
import type { JobDefinition } from '#platform/jobs/define-job.ts';
import type { Jobs } from '#platform/jobs/jobs.ts';
import { engagementJobs, recountJobName } from './engagement.jobs.ts';
import { addEngagementRoutes } from './engagement.routes.ts';
import { createEngagementService, type EngagementOptions } from './engagement.service.ts';
import { beginRecount } from './recount-days.ts';

interface EngagementNeeds extends EngagementOptions, CalendarWaiting {
  jobs: Pick<Jobs, 'enqueue'>;
}

/** What members do, and how many of them. */
export interface EngagementFeature {
  readonly jobs: readonly JobDefinition[];
  /** Counts today and yesterday by the new days, and has older ones counted by a job. */
  readonly onCalendarChange: OnCalendarChange;
  addRoutes(app: FastifyInstance): void;
}

export function createEngagementFeature(needs: EngagementNeeds): EngagementFeature {
  const service = createEngagementService(needs);
  return {
    jobs: engagementJobs(needs),
    onCalendarChange: async (tx, { before, after }) => {
      if (before.timezone === after.timezone) return;
      await beginRecount(tx, { now: needs.now(), timezone: after.timezone });
      needs.jobs.enqueue(tx, recountJobName);
      needs.forgetDashboards(tx);
    },
    addRoutes: (app) => addEngagementRoutes(app, service),
  };
}
