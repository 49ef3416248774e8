import { getHealth, getPerformance, listAlerts } from '@almanac/contract/system.ts';
import { listJobLogs, listJobs, runJob, updateJob } from '@almanac/contract/system-jobs.ts';
import type { FastifyInstance } from 'fastify';
import { bind } from '#platform/http/bind.ts';
import type { SystemService } from './system.service.ts';
import type { SystemJobsService } from './system-jobs.service.ts';

interface SystemServices {
  system: SystemService;
  jobs: SystemJobsService;
}

/**
 * GET /api/system/health, /performance and /alerts; GET and POST /api/system/jobs; GET /api/system/jobs/:name/logs; PATCH
 * /api/system/jobs/:name.
 */
export function addSystemRoutes(app: FastifyInstance, { system, jobs }: SystemServices): void {
  bind(app, getHealth, { access: 'system:read', handle: () => system.readHealth() });
  bind(app, getPerformance, {
    access: 'system:read',
    handle: ({ query: { period_start: periodStart, period_end: periodEnd } }) =>
      system.getPerformanceReport({ periodStart, periodEnd }),
  });
  bind(app, listAlerts, { access: 'system:read', handle: ({ query }) => system.listAlerts(query) });
  bind(app, listJobs, { access: 'system:read', handle: () => jobs.list() });
  bind(app, runJob, {
    access: 'system:write',
    handle: ({ principal, body }) => jobs.run(principal, body.job_name),
  });
  bind(app, listJobLogs, {
    access: 'system:read',
    handle: ({ params, query }) => jobs.logs(params.name, query),
  });
  bind(app, updateJob, {
    access: 'system:write',
    handle: ({ principal, params, body }) => jobs.update(principal, params.name, body),
  });
}
