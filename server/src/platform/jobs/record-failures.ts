import { sql, type Transaction } from 'kysely';
import type { Tables } from '../db/tables.ts';
import { raiseAlert, resolveAlerts } from './system-alerts.ts';

/** The kind of the alerts that a pause after failures raises; the subject is `job` or `job/organization`. */
export const jobFailuresKind = 'job_failures';

/** A job, in one organization or as a whole. */
export interface JobPlace {
  job: string;
  organizationId: string | undefined;
}

/** The subject of a place's alerts. */
export function alertSubject({ job, organizationId }: JobPlace): string {
  return organizationId ? `${job}/${organizationId}` : job;
}

/** Forgets the failures of places where a run went well, resumes organizations that were paused for them. */
export async function forgetFailures(db: Transaction<Tables>, places: readonly JobPlace[], now: Date): Promise<void> {
  const whole = places.filter(({ organizationId }) => !organizationId).map(({ job }) => job);
  if (whole.length > 0) {
    await sql`
      update scheduled_job_config set consecutive_failures = 0
      where name = any(${whole}::text[]) and consecutive_failures > 0 and not is_paused`.execute(db);
  }
  const ofOrganizations = places.filter(({ organizationId }) => organizationId);
  if (ofOrganizations.length === 0) return;
  const { rows } = await sql<{ job: string; organizationId: string }>`
    delete from job_organizations o
    using jsonb_to_recordset(${JSON.stringify(ofOrganizations)}::jsonb) as p ("organizationId" uuid, job text)
    where o.organization_id = p."organizationId" and o.job_name = p.job
    returning o.job_name as job, o.organization_id as "organizationId"`.execute(db);
  await resolveAlerts(db, { kind: jobFailuresKind, subjects: rows.map(alertSubject), now });
}

interface Failure extends JobPlace {
  error: string;
  now: Date;
}

/** Counts a run that failed for good. Too many in a row pause the job there, with an alert. Answers whether they did. */
export async function countFailure(db: Transaction<Tables>, failure: Failure): Promise<boolean> {
  const { failures, isPaused } = failure.organizationId ? await countThere(db, failure) : await countWhole(db, failure);
  if (!isPaused) return false;
  const where = failure.organizationId ? ` in the organization ${failure.organizationId}` : '';
  return raiseAlert(db, {
    kind: jobFailuresKind,
    subject: alertSubject(failure),
    message: `The job ${failure.job} is paused${where} after ${failures} failed runs in a row: ${failure.error}`,
    now: failure.now,
  });
}

interface FailureCount {
  failures: number;
  isPaused: boolean;
}

async function countWhole(db: Transaction<Tables>, { job }: Failure): Promise<FailureCount> {
  const { rows } = await sql<FailureCount>`
    update scheduled_job_config set consecutive_failures = consecutive_failures + 1,
      is_paused = is_paused or (max_failures > 0 and consecutive_failures + 1 >= max_failures)
    where name = ${job}
    returning consecutive_failures as failures, is_paused as "isPaused"`.execute(db);
  return rows[0] ?? { failures: 0, isPaused: false };
}

async function countThere(db: Transaction<Tables>, { job, organizationId, now }: Failure): Promise<FailureCount> {
  const { rows } = await sql<FailureCount>`
    insert into job_organizations as o (organization_id, job_name, consecutive_failures, is_paused, updated_at)
    select g.id, c.name, 1, c.max_failures = 1, ${now}
    from scheduled_job_config c, organizations g where c.name = ${job} and g.id = ${organizationId}
    on conflict (organization_id, job_name) do update set
      consecutive_failures = o.consecutive_failures + 1, updated_at = excluded.updated_at,
      is_paused = o.is_paused or exists (
        select from scheduled_job_config c
        where c.name = o.job_name and c.max_failures > 0 and o.consecutive_failures + 1 >= c.max_failures)
    returning consecutive_failures as failures, is_paused as "isPaused"`.execute(db);
  return rows[0] ?? { failures: 0, isPaused: false };
}
