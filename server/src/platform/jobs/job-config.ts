import { sql, type Transaction } from 'kysely';
import type { RootHandle } from '../db/database.ts';
import type { Tables } from '../db/tables.ts';
import { notFound } from '../errors/app-error.ts';
import type { JobDefinition } from './define-job.ts';
import { alertSubject, jobFailuresKind } from './record-failures.ts';
import { parseSchedule } from './schedule.ts';
import { resolveAlerts } from './system-alerts.ts';

/** A job's settings as they stand. */
export interface JobConfig {
  name: string;
  schedule: string | null;
  timezone: string;
  isPaused: boolean;
  maxFailures: number;
  consecutiveFailures: number;
  dueAfter: Date;
  lastSlot: Date | null;
}

/** What an operator may change; a schedule of null leaves the job to run only when asked for. */
export interface JobConfigChange {
  schedule?: string | null;
  isPaused?: boolean;
  maxFailures?: number;
}

/** Writes down the jobs of the code. What an operator changed stands. */
export async function registerJobs(root: RootHandle, jobs: readonly JobDefinition[], now: Date): Promise<void> {
  const rows = jobs.map(({ name, summary, schedule, timezone, maxFailures }) => ({
    name,
    summary,
    schedule: schedule ?? null,
    timezone: timezone ?? 'UTC',
    max_failures: maxFailures,
  }));
  await sql`
    insert into scheduled_job_config as c (name, summary, schedule, timezone, max_failures, due_after, updated_at)
    select name, summary, schedule, timezone, max_failures, ${now}, ${now}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r (name text, summary text, schedule text, timezone text, max_failures integer)
    order by name
    on conflict (name) do update set
      summary = excluded.summary,
      schedule = case when c.has_own_schedule then c.schedule else excluded.schedule end,
      timezone = excluded.timezone,
      max_failures = case when c.has_own_max_failures then c.max_failures else excluded.max_failures end`.execute(root);
}

/** Reads the settings of all jobs, by name. */
export async function readConfigs(root: RootHandle): Promise<Map<string, JobConfig>> {
  const { rows } = await sql<JobConfig>`
    select c.name, c.schedule, c.timezone, c.is_paused as "isPaused", c.max_failures as "maxFailures",
      c.consecutive_failures as "consecutiveFailures", c.due_after as "dueAfter",
      (select max(s.slot) from job_slots s where s.job_name = c.name) as "lastSlot"
    from scheduled_job_config c`.execute(root);
  return new Map(rows.map((row) => [row.name, row]));
}

/**
 * Changes settings; what is left out stays. Due times that passed under other settings, or in a pause, are not made up
 * for. Resuming forgets the failures and ends the alert. Throws on a schedule that is none.
 */
export async function changeConfig(
  db: Transaction<Tables>,
  job: JobDefinition,
  { change, now }: { change: JobConfigChange; now: Date },
): Promise<void> {
  const { schedule, isPaused, maxFailures } = change;
  if (schedule) parseSchedule(schedule, job.timezone ?? 'UTC');
  const [hasSchedule, hasMaxFailures] = [schedule !== undefined, maxFailures !== undefined];
  const isResumed = isPaused === false;
  const { rows } = await sql`
    update scheduled_job_config set
      schedule = case when ${hasSchedule} then ${schedule ?? null}::text else schedule end,
      has_own_schedule = has_own_schedule or ${hasSchedule},
      max_failures = case when ${hasMaxFailures} then ${maxFailures ?? 0}::int else max_failures end,
      has_own_max_failures = has_own_max_failures or ${hasMaxFailures},
      is_paused = coalesce(${isPaused ?? null}::boolean, is_paused),
      consecutive_failures = case when ${isResumed} then 0 else consecutive_failures end,
      due_after = case when ${hasSchedule} or (${isResumed} and is_paused) then ${now}::timestamptz else due_after end,
      updated_at = ${now}
    where name = ${job.name} returning name`.execute(db);
  if (rows.length === 0) throw notFound('job', job.name);
  if (isResumed) await resolveAlerts(db, { kind: jobFailuresKind, subjects: [job.name], now });
}

/** Lets a job run again in an organization where it was paused for its failures. */
export async function resumeOrganization(
  root: RootHandle,
  { job, organizationId, now }: { job: string; organizationId: string; now: Date },
): Promise<void> {
  await root.transaction().execute(async (db) => {
    await sql`
      delete from job_organizations where job_name = ${job} and organization_id = ${organizationId}`.execute(db);
    await resolveAlerts(db, { kind: jobFailuresKind, subjects: [alertSubject({ job, organizationId })], now });
  });
}
