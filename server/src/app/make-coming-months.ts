import { ensureMonthPartitions } from '#platform/db/month-partitions.ts';
import type { Platform } from './compose-platform.ts';

/** The tables that are kept by month. */
export const tablesByMonth = ['audit_log', 'dashboard_metrics', 'user_activity_logs'];
/** The running month and the next three: time enough to notice that the job which makes them fails. */
const monthsAhead = 4;

/** Makes the partitions of the running and the coming months where they are missing; answers how many. */
export async function makeComingMonths({ database, now }: Pick<Platform, 'database' | 'now'>): Promise<number> {
  let made = 0;
  for (const table of tablesByMonth) {
    made += (await ensureMonthPartitions(database.root, { table, from: now(), months: monthsAhead })).length;
  }
  return made;
}
