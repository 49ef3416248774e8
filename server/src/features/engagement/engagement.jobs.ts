import { sql } from 'kysely';
import { type CalendarWaiting, takeCalendar } from '#features/organizations/index.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import { defineJob, type JobResult, type OrganizationJob, type OrganizationRun } from '#platform/jobs/define-job.ts';
import { hasRecount, recountSome } from './recount-days.ts';

/** The job that counts active days anew after a change of the organization's time zone, which asks for it. */
export const recountJobName = 'recount_active_days';

interface EngagementJobOptions extends CalendarWaiting {
  forgetDashboards: (tx: OrganizationTx) => void;
}

/** How many days one transaction counts: those of a large organization hold tens of thousands of events. */
const daysAtOnce = 1;

/** The background work of what members do. */
export function engagementJobs(options: EngagementJobOptions): OrganizationJob[] {
  return [
    defineJob({
      name: recountJobName,
      summary: 'Counts who was active on which day anew in the organization’s time zone, where that has changed.',
      scope: 'organization',
      // It is asked for when it is needed; once a day it takes up what failed.
      schedule: '45 4 * * *',
      missed: 'once',
      retry: { limit: 5, delaySeconds: 10 },
      timeoutSeconds: 1_800,
      maxFailures: 10,
      wantedIn: () => sql`exists (select from activity_recounts r where r.organization_id = o.id)`,
      handler: (run) => recountDays(run, options),
    }),
  ];
}

/** Every step leaves behind how far it came, so that a run that is cut off goes on where it was. */
async function recountDays(run: OrganizationRun, options: EngagementJobOptions): Promise<JobResult> {
  if (!(await run.inOrganization(hasRecount))) return undefined;
  let days = 0;
  for (;;) {
    const step = await takeCalendar(
      run,
      async (tx) => {
        const counted = await recountSome(tx, { now: run.now(), days: daysAtOnce });
        if (counted?.isLast) options.forgetDashboards(tx);
        return counted;
      },
      options,
    );
    if (!step) return days > 0 ? { days } : undefined;
    days += daysAtOnce;
  }
}
