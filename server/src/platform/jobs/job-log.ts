import { type Kysely, sql } from 'kysely';
import type { RootHandle } from '../db/database.ts';
import type { Tables } from '../db/tables.ts';

/** One row of the log. */
export interface JobLogEntry {
  id: string;
  jobName: string;
  organizationId: string | null;
  slot: Date;
  status: 'running' | 'succeeded' | 'failed' | 'cancelled' | 'skipped';
  attempt: number;
  startedAt: Date;
  finishedAt: Date | null;
  durationMs: number | null;
  result: Record<string, number> | null;
  error: string | null;
}

/** A row to be written. */
export type JobLogDraft = Omit<JobLogEntry, 'durationMs'>;

/** Writes rows, replacing those of the same runs. A row of an organization that is gone is left out. */
export async function writeLog(db: Kysely<Tables>, entries: readonly JobLogDraft[]): Promise<void> {
  if (entries.length === 0) return;
  await sql`
    insert into scheduled_job_logs
      (id, job_name, organization_id, slot, status, attempt, started_at, finished_at, duration_ms, result, error)
    select id, "jobName", "organizationId", slot, status, attempt, "startedAt", "finishedAt",
      round(extract(epoch from "finishedAt" - "startedAt") * 1000), result, error
    from jsonb_to_recordset(${JSON.stringify(entries)}::jsonb) as e (
      id uuid, "jobName" text, "organizationId" uuid, slot timestamptz, status text, attempt integer,
      "startedAt" timestamptz, "finishedAt" timestamptz, result jsonb, error text)
    where "organizationId" is null or exists (select from organizations o where o.id = "organizationId")
    on conflict (id) do update set status = excluded.status, attempt = excluded.attempt,
      finished_at = excluded.finished_at, duration_ms = excluded.duration_ms,
      result = coalesce(excluded.result, scheduled_job_logs.result), error = excluded.error`.execute(db);
}

/** What came of the runs of one fan-out. */
export interface FanOutCounts {
  parentId: string;
  /** How many of what was pending is done. */
  done: number;
  succeeded: number;
  idle: number;
  failed: number;
}

/** Adds to the counts of a run that fanned out; the last one ends it. */
export async function countFanOut(db: Kysely<Tables>, counts: FanOutCounts, now: Date): Promise<void> {
  const { parentId, done, succeeded, idle, failed } = counts;
  await sql`
    update scheduled_job_logs set pending = pending - ${done},
      result = result || jsonb_build_object(
        'succeeded', coalesce((result ->> 'succeeded')::int, 0) + ${succeeded}::int,
        'idle', coalesce((result ->> 'idle')::int, 0) + ${idle}::int,
        'failed', coalesce((result ->> 'failed')::int, 0) + ${failed}::int),
      status = case when status = 'running' and pending <= ${done} then 'succeeded' else status end,
      finished_at = case when status = 'running' and pending <= ${done} then ${now}::timestamptz else finished_at end,
      duration_ms = case when status = 'running' and pending <= ${done}
        then round(extract(epoch from ${now}::timestamptz - started_at) * 1000) else duration_ms end
    where id = ${parentId}`.execute(db);
}

/** Where a page of the log ended. */
export interface LogCursor {
  startedAt: Date;
  id: string;
}

/** The newest rows of a job past the cursor. */
export async function readLog(
  root: RootHandle,
  { jobName, limit, before }: { jobName: string; limit: number; before: LogCursor | undefined },
): Promise<JobLogEntry[]> {
  const past = before ? sql`and (started_at, id) < (${before.startedAt}, ${before.id}::uuid)` : sql``;
  const { rows } = await sql<JobLogEntry>`
    select id, job_name as "jobName", organization_id as "organizationId", slot, status, attempt,
      started_at as "startedAt", finished_at as "finishedAt", duration_ms as "durationMs", result, error
    from scheduled_job_logs where job_name = ${jobName} ${past}
    order by started_at desc, id desc limit ${limit}`.execute(root);
  return rows;
}

const keptMs = 90 * 24 * 60 * 60 * 1_000;
/** No run takes this long: a row that says so lost its worker and everyone who could have taken over. */
const lostMs = 7 * 24 * 60 * 60 * 1_000;

/** Deletes rows of the log, slots and past alerts older than 90 days, and closes rows of runs that were lost. */
export async function deleteOldRows(root: RootHandle, now: Date): Promise<{ logs: number; slots: number }> {
  const before = new Date(now.getTime() - keptMs);
  await sql`
    update scheduled_job_logs set status = 'failed', finished_at = ${now}, error = coalesce(error, 'The run was lost.')
    where status = 'running' and started_at < ${new Date(now.getTime() - lostMs)}`.execute(root);
  await sql`delete from system_alerts where resolved_at < ${before}`.execute(root);
  const logs = await sql`delete from scheduled_job_logs where started_at < ${before}`.execute(root);
  // The newest slot of each job stays: due times are counted from it.
  const slots = await sql`
    delete from job_slots s where created_at < ${before}
      and exists (select from job_slots n where n.job_name = s.job_name and n.slot > s.slot)`.execute(root);
  return { logs: Number(logs.numAffectedRows ?? 0), slots: Number(slots.numAffectedRows ?? 0) };
}
