import type { RawBuilder, Transaction } from 'kysely';
import type { InstanceTx, OrganizationTx } from '../db/scopes.ts';
import type { Tables } from '../db/tables.ts';
import { parseSchedule } from './schedule.ts';

/** What a run counted, such as `{ rows: 12 }`; undefined when there was nothing to do. */
export type JobResult = Readonly<Record<string, number>> | undefined;

/** One run of a job, as its handler sees it. Handlers are idempotent: a run that was cut off is run again. */
export interface InstanceRun {
  readonly job: string;
  /** The id of the run's row in `scheduled_job_logs`; the same on each attempt. */
  readonly runId: string;
  /** The due time; for a run that was asked for, when it was. */
  readonly slot: Date;
  /** 1 on the first attempt. */
  readonly attempt: number;
  /** Aborted when the time is up, the process stops or another worker has taken the run over. */
  readonly signal: AbortSignal;
  /** The jobs this one feeds on that have not brought their part up to date. */
  readonly staleInputs: readonly string[];
  now(): Date;
  /** Works on accounts and organizations. The commit fails once another worker holds the run. */
  inInstance<T>(work: (tx: InstanceTx) => Promise<T>): Promise<T>;
  /** For the platform's own transactions, as their last statement: fails unless this attempt still holds the run. */
  holdRun(db: Transaction<Tables>): Promise<void>;
}

/** One run of a job for one organization. */
export interface OrganizationRun extends Omit<InstanceRun, 'inInstance'> {
  readonly organizationId: string;
  /** The key that the run was asked for with. */
  readonly key: string | undefined;
  /** Works in the organization as the system. The commit fails once another worker holds the run. */
  inOrganization<T>(work: (tx: OrganizationTx) => Promise<T>): Promise<T>;
  /** Tells the organization's feed how far the run has come (0 to 1); does not wait. */
  progress(fraction: number, note: string): void;
}

interface JobSettings {
  /** Letters, digits, `_`, `-`, `.` and `/`. */
  name: string;
  /** One line for the operator. */
  summary: string;
  /** Five cron fields; without it the job only runs when asked for. See `listDueTimes` for clock changes. */
  schedule?: string;
  /** IANA zone of the schedule; UTC unless told. */
  timezone?: string;
  /** What becomes of due times that passed while nothing ran: none of them, the last one, or each is made up for. */
  missed: 'skip' | 'once' | 'all';
  /** How often a failed run is tried again, and the first delay, which doubles each time (at most an hour). */
  retry: { limit: number; delaySeconds: number };
  timeoutSeconds: number;
  /** Failed runs in a row after which the job (for an organization's runs: in that organization) pauses; 0 for never. */
  maxFailures: number;
  /** Jobs whose results this one reads: a due run waits up to 15 minutes for them to end, then is told which are stale. */
  after?: readonly string[];
}

/** A job of the installation: one run for each due time. */
export interface InstanceJob extends JobSettings {
  scope: 'instance';
  handler(run: InstanceRun): Promise<JobResult>;
}

/** A job of the organizations: each due time becomes one run for each organization that it is for. */
export interface OrganizationJob extends JobSettings {
  scope: 'organization';
  /**
   * SQL that is true of an organization `o` where there may be something to do, so that a due time costs nothing for the
   * others; without it the job is for all. It sees the tables of all organizations, so it names `o.id` in each of them.
   */
  wantedIn?(now: Date): RawBuilder<unknown>;
  handler(run: OrganizationRun): Promise<JobResult>;
}

/** A job as declared in code. */
export type JobDefinition = InstanceJob | OrganizationJob;

/** Declares a job. Throws on a schedule, zone or name that cannot be. */
export function defineJob<Job extends JobDefinition>(job: Job): Job {
  if (!/^[\w./-]{1,100}$/.test(job.name)) throw new Error(`'${job.name}' cannot be the name of a job.`);
  if (job.schedule !== undefined) parseSchedule(job.schedule, job.timezone ?? 'UTC');
  return job;
}
