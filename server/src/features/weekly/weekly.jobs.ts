import { sql } from 'kysely';
import { removeItemsBefore } from '#features/activity/index.ts';
import { getOrganizationSettings } from '#features/organizations/index.ts';
import { weekOfDate } from '#kernel/weeks.ts';
import { defineJob, type OrganizationJob, type OrganizationRun } from '#platform/jobs/define-job.ts';
import {
  addDueDemoItems,
  announceWeek,
  loadWeek,
  oldestKeptWeek,
  type WeekComputing,
  weeklyTopic,
} from './settle-changes.ts';
import { findStoredWeek, lacksRunningWeek, listStaleWeeks, removeWeeksBefore } from './weekly.store.ts';

/** The job that brings stored past weeks up to date; asked for by the change that made them stale. */
export const recomputeJobName = 'recompute_weeks';

const weeksPerTransaction = 5;
const itemsPerTransaction = 2_000;
const retry = { limit: 3, delaySeconds: 10 };

/** The background work of the weekly dashboard. */
export function weeklyJobs(options: WeekComputing): OrganizationJob[] {
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
      wantedIn: (now) => sql`o.is_demo or ${lacksRunningWeek(now)}`,
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
      name: 'remove_old_weeks',
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

function refreshRunningWeek(run: Run, options: WeekComputing): Promise<{ items: number } | undefined> {
  return run.inOrganization(async (tx) => {
    const settings = await getOrganizationSettings(tx);
    const items = await addDueDemoItems(tx, settings, options);
    const week = options.clock.current(settings);
    const stored = await findStoredWeek(tx, week.startDate);
    if (stored?.snapshot) return items > 0 ? { items } : undefined;
    const { version } = await loadWeek(tx, week, options);
    announceWeek(tx, { week, version }, options);
    return { items };
  });
}

async function recomputePastWeeks(run: Run, options: WeekComputing): Promise<{ weeks: number } | undefined> {
  let weeks = 0;
  let before: string | undefined;
  for (;;) {
    run.signal.throwIfAborted();
    const position = before;
    const done = await run.inOrganization(async (tx) => {
      const settings = await getOrganizationSettings(tx);
      const stale = await listStaleWeeks(tx, { before: position, limit: weeksPerTransaction });
      for (const day of stale) {
        const week = weekOfDate(Temporal.PlainDate.from(day), settings);
        await loadWeek(tx, week, options);
      }
      return stale;
    });
    weeks += done.length;
    before = done.at(-1);
    if (done.length < weeksPerTransaction) return weeks > 0 ? { weeks } : undefined;
  }
}

/** Removes what is past the organization's retention; the command line does the same by hand. */
export async function removeOldWeeks(
  run: Run,
  { clock, caches, now, recordPoints }: Pick<WeekComputing, 'clock' | 'caches' | 'now' | 'recordPoints'>,
): Promise<{ items: number } | undefined> {
  let items = 0;
  for (;;) {
    run.signal.throwIfAborted();
    const { removed } = await run.inOrganization(async (tx) => {
      const settings = await getOrganizationSettings(tx);
      const current = clock.current(settings);
      const oldest = oldestKeptWeek(current, settings);
      const count = await removeItemsBefore(tx, new Date(oldest.startMs), itemsPerTransaction);
      if (count < itemsPerTransaction) {
        await removeWeeksBefore(tx, oldest.startDate);
        // Raised with that: stored anew, so that it is not missing to readers of SQL.
        await loadWeek(tx, current, { now, recordPoints });
      }
      caches.invalidateAfter(tx, [weeklyTopic]);
      return { removed: count };
    });
    items += removed;
    if (removed < itemsPerTransaction) return items > 0 ? { items } : undefined;
  }
}
