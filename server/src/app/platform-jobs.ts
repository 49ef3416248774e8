import { deleteOldAnswers } from '#platform/db/idempotency.ts';
import { defineJob, type JobDefinition } from '#platform/jobs/define-job.ts';
import type { Platform } from './compose-platform.ts';

/** The background work of the platform itself. */
export function platformJobs({ database, feed, jobs }: Pick<Platform, 'database' | 'feed' | 'jobs'>): JobDefinition[] {
  return [
    defineJob({
      name: 'prune_platform_data',
      summary: 'Removes events and idempotent answers older than a day, and job logs older than 90 days.',
      scope: 'instance',
      schedule: '35 * * * *',
      missed: 'once',
      retry: { limit: 2, delaySeconds: 60 },
      timeoutSeconds: 300,
      maxFailures: 10,
      handler: async (run) => {
        const now = run.now();
        const events = await feed.deleteOld(now);
        const answers = await deleteOldAnswers(database.root, now);
        const { logs, slots } = await jobs.deleteOld(now);
        return events + answers + logs + slots > 0 ? { events, answers, logs, slots } : undefined;
      },
    }),
  ];
}
