import { sql } from 'kysely';
import type { RootHandle } from '../db/database.ts';
import { queueSchema } from './queue.ts';
import { exclusionKey } from './send-runs.ts';
import type { ClaimedRun } from './settle-runs.ts';

const longestWaitMs = 15 * 60_000;

/** How the jobs that a run feeds on stand. */
export interface Inputs {
  /** They are at work: the run is to wait. */
  isWait: boolean;
  /** Those that are at work, or that failed last time. */
  stale: string[];
}

/**
 * Looks at the jobs that a run feeds on. A run of the installation, a fan-out among them, waits for all their work, for at
 * most 15 minutes past its due time; a run of an organization does not wait, and is told of what concerns it.
 */
export async function checkInputs(root: RootHandle, run: ClaimedRun, now: Date): Promise<Inputs> {
  const inputs = run.job.after ?? [];
  if (inputs.length === 0) return { isWait: false, stale: [] };
  const { organizationId } = run.data;
  const keys = organizationId === undefined ? null : [organizationId, exclusionKey(undefined)];
  const { rows } = await sql<{ name: string; isAtWork: boolean; isFailing: boolean }>`
    select n.name, exists (
      select from ${sql.id(queueSchema, 'job')} j
      where j.name = n.name and j.state <= 'active' and (${keys}::text[] is null or j.singleton_key = any(${keys}::text[]))
    ) as "isAtWork", exists (
      select from scheduled_job_config c where c.name = n.name and c.consecutive_failures > 0
    ) or exists (
      select from job_organizations o where o.job_name = n.name and o.organization_id = ${organizationId ?? null}::uuid
    ) as "isFailing"
    from unnest(${[...inputs]}::text[]) as n (name)`.execute(root);
  const mayWait = organizationId === undefined && now.getTime() - Date.parse(run.data.slot) < longestWaitMs;
  return {
    isWait: mayWait && rows.some(({ isAtWork }) => isAtWork),
    stale: rows.filter(({ isAtWork, isFailing }) => isAtWork || isFailing).map(({ name }) => name),
  };
}
