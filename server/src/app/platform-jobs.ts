import { deleteOldAnswers } from '#platform/db/idempotency.ts';
import { defineJob, type JobDefinition } from '#platform/jobs/define-job.ts';
import { mailJobs } from '#platform/mail/mail.jobs.ts';
import { cleanupJob } from './cleanup-job.ts';
import type { Platform } from './compose-platform.ts';
import { makeMonths } from './make-months.ts';

/** The background work of the platform itself. */
export function platformJobs(platform: Pick<Platform, 'database' | 'feed' | 'jobs' | 'mail'>): JobDefinition[] {
  const { database, feed, jobs, mail } = platform;
  return [
    defineJob({
      name: 'prune_platform_data',
      summary:
        'Removes events and idempotent answers older than a day, mails older than 30 days and job logs older than 90.',
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
        const mails = await mail.deleteOld(now);
        const { logs, slots } = await jobs.deleteOld(now);
        return events + answers + mails + logs + slots > 0 ? { events, answers, mails, logs, slots } : undefined;
      },
    }),
    defineJob({
      name: 'make_months',
      summary: 'Makes the partitions of the kept and the coming months for the tables that are kept by month.',
      scope: 'instance',
      schedule: '5 1 * * *',
      missed: 'once',
      retry: { limit: 5, delaySeconds: 60 },
      timeoutSeconds: 300,
      maxFailures: 10,
      handler: async (run) => {
        const partitions = await makeMonths({ database, now: () => run.now() });
        return partitions > 0 ? { partitions } : undefined;
      },
    }),
    cleanupJob({ database }),
    ...mailJobs(mail),
  ];
}
