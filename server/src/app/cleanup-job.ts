import { sql } from 'kysely';
import type { RootHandle } from '#platform/db/database.ts';
import { defineJob, type JobDefinition } from '#platform/jobs/define-job.ts';
import { archiveOldMetrics } from './archive-metrics.ts';
import type { Platform } from './compose-platform.ts';
import { dropOldActivityMonths } from './drop-old-activity.ts';

const dayMs = 86_400_000;
/** After so long it is only known who did what and when. */
const namedDays = 30;
const changedAtOnce = 5_000;

/** The weekly job: what is old is archived or dropped, and what stays says less about people. */
export function cleanupJob({ database }: Pick<Platform, 'database'>): JobDefinition {
  return defineJob({
    name: 'cleanup_old_data',
    summary:
      'Archives points older than 13 months, drops activity older than 90 days, and takes sessions and metadata out of ' +
      'activity older than 30.',
    scope: 'instance',
    schedule: '0 3 * * 0',
    missed: 'once',
    retry: { limit: 5, delaySeconds: 60 },
    timeoutSeconds: 1_800,
    maxFailures: 4,
    handler: async ({ now, signal }) => {
      const failures: unknown[] = [];
      const attempt = async <T>(step: () => Promise<T>): Promise<T | undefined> => {
        try {
          signal.throwIfAborted();
          return await step();
        } catch (error) {
          failures.push(error);
          return undefined;
        }
      };
      // None waits for another to succeed: a month that cannot be moved must not keep people's data.
      const archived = await attempt(() => archiveOldMetrics(database.root, now()));
      const dropped = await attempt(() => dropOldActivityMonths(database.root, now()));
      const anonymised = await attempt(() => anonymiseActivity(database.root, now(), signal));
      if (failures.length > 0) throw failures[0];
      const result = {
        archived_months: archived?.months ?? 0,
        archived_points: archived?.points ?? 0,
        dropped_months: dropped?.months ?? 0,
        dropped_rows: dropped?.rows ?? 0,
        anonymised: anonymised ?? 0,
      };
      return Object.values(result).some((count) => count > 0) ? result : undefined;
    },
  });
}

/** Takes out of old activity what tells more of a person than that they did it; answers of how many events. */
export async function anonymiseActivity(root: RootHandle, now: Date, signal: AbortSignal): Promise<number> {
  const before = new Date(now.getTime() - namedDays * dayMs);
  let changed = 0;
  for (;;) {
    signal.throwIfAborted();
    const { numAffectedRows = 0n } = await sql`
      with old as (
        select organization_id, created_at, id from user_activity_logs
        where created_at < ${before} and (session_id is not null or metadata is not null)
        order by created_at limit ${changedAtOnce}
      )
      update user_activity_logs a set session_id = null, metadata = null from old
      where a.organization_id = old.organization_id and a.created_at = old.created_at and a.id = old.id`.execute(root);
    changed += Number(numAffectedRows);
    if (Number(numAffectedRows) < changedAtOnce) return changed;
  }
}
