import { startOfKeptActivity } from '#features/engagement/index.ts';
import { startOfKeptMonths } from '#features/metrics/index.ts';
import { ensureMonthPartitions } from '#platform/db/month-partitions.ts';
import type { Platform } from './compose-platform.ts';

/** The tables that are kept by month, and in which month the oldest rows lie that still come. */
const tablesByMonth: Readonly<Record<string, (now: Date) => Date>> = {
  audit_log: (now) => now,
  dashboard_metrics: startOfKeptMonths,
  user_activity_logs: startOfKeptActivity,
};
/** Time enough to notice that the job which makes them fails. */
const monthsAhead = 3;

/**
 * Makes the partitions of the months that rows still come for, and of the next three, where they are missing: rows find
 * their month when they come, and need not be moved later. Answers how many were made.
 */
export async function makeMonths({ database, now }: Pick<Platform, 'database' | 'now'>): Promise<number> {
  let made = 0;
  for (const [table, startOf] of Object.entries(tablesByMonth)) {
    const from = startOf(now());
    const months = monthsBetween(from, now()) + 1 + monthsAhead;
    made += (await ensureMonthPartitions(database.root, { table, from, months })).length;
  }
  return made;
}

function monthsBetween(from: Date, to: Date): number {
  return 12 * (to.getUTCFullYear() - from.getUTCFullYear()) + to.getUTCMonth() - from.getUTCMonth();
}
