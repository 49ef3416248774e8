import { getOrganizationSettings } from '#features/organizations/index.ts';
import { shiftWeek, weekOfDate } from '#kernel/weeks.ts';
import { defineJob, type OrganizationJob, type OrganizationRun } from '#platform/jobs/define-job.ts';
import { addDueDemoItems, loadWeek, type WeeklyServiceOptions } from './weekly.service.ts';
import { findStoredWeek, listStaleWeeks, removeItemsBefore, removeWeeksBefore } from './weekly.store.ts';

/** The job that brings stored past weeks up to date; asked for by the change that made them stale. */
export const recomputeJobName = 'recompute_weeks';

const weeksPerTransaction = 5;
const itemsPerTransaction = 2_000;
const retry = { limit: 3, delaySeconds: 10 };

/** The background work of the weekly dashboard. */
export function weeklyJobs(options: WeeklyServiceOptions): OrganizationJob[] {
  return [
    defineJob({
      name: 'refresh_weekly_data',
      summary: 'Adds the demo’s items that are due, opens a new week when one begins, and pushes what changed.',
      scope: 'organization',
      schedule: '*/5 * * * *',
      missed: 'once',
      retry,
      timeoutSeconds: 60,
      maxFailures: 10,
      handler: (run) => refreshRunningWeek(run, options),
    }),
    defineJob({
      name: recomputeJobName,
      summary: 'Recomputes stored past weeks whose items have changed.',
      scope: 'organization',
      missed: 'skip',
      retry,
      timeoutSeconds: 600,
      maxFailures: 10,
      handler: (run) => recomputePastWeeks(run, options),
    }),
    defineJob({
      name: 'cleanup_old_data',
      summary: 'Removes weekly data past the organization’s retention.',
      scope: 'organization',
      schedule: '15 2 * * *',
      missed: 'once',
      retry,
      timeoutSeconds: 600,
      maxFailures: 10,
      handler: (run) => removeOldWeeks(run, options),
    }),
  ];
}

type Run = Pick<OrganizationRun, 'inOrganization' | 'signal'>;

function refreshRunningWeek(run: Run, options: WeeklyServiceOptions): Promise<{ items: number } | undefined> {
  return run.inOrganization(async (tx) => {
    const settings = await getOrganizationSettings(tx);
    const items = settings.isDemo ? await addDueDemoItems(tx, settings, options) : 0;
    const week = options.clock.current(settings);
    const stored = await findStoredWeek(tx, week.startDate);
    if (stored?.snapshot) return items > 0 ? { items } : undefined;
    const { version } = await loadWeek(tx, { week, demo: settings.isDemo }, options);
    options.feed.publish(tx, {
      type: 'weekly.changed',
      subject: week.startDate,
      payload: { week: week.id, week_start: week.startDate, version },
    });
    return { items };
  });
}

async function recomputePastWeeks(run: Run, options: WeeklyServiceOptions): Promise<{ weeks: number } | undefined> {
  let weeks = 0;
  for (;;) {
    run.signal.throwIfAborted();
    const done = await run.inOrganization(async (tx) => {
      const settings = await getOrganizationSettings(tx);
      const stale = await listStaleWeeks(tx, weeksPerTransaction);
      for (const day of stale) {
        const week = weekOfDate(Temporal.PlainDate.from(day), settings);
        await loadWeek(tx, { week, demo: settings.isDemo }, options);
      }
      return stale.length;
    });
    weeks += done;
    if (done < weeksPerTransaction) return weeks > 0 ? { weeks } : undefined;
  }
}

/** Removes what is past the organization's retention; the command line does the same by hand. */
export async function removeOldWeeks(
  run: Run,
  { clock }: WeeklyServiceOptions,
): Promise<{ items: number } | undefined> {
  let items = 0;
  for (;;) {
    run.signal.throwIfAborted();
    const { removed } = await run.inOrganization(async (tx) => {
      const settings = await getOrganizationSettings(tx);
      const oldest = shiftWeek(clock.current(settings), 1 - settings.weeksKept);
      const count = await removeItemsBefore(tx, new Date(oldest.startMs), itemsPerTransaction);
      if (count < itemsPerTransaction) await removeWeeksBefore(tx, oldest.startDate);
      return { removed: count };
    });
    items += removed;
    if (removed < itemsPerTransaction) return items > 0 ? { items } : undefined;
  }
}
