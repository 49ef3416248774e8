import { sql } from 'kysely';
import type { PgBoss } from 'pg-boss';
import { newId } from '#kernel/ids.ts';
import type { Bus } from '../bus/bus.ts';
import type { Database } from '../db/database.ts';
import { withOwnerRights } from '../db/owner-rights.ts';
import type { InstanceTx, OrganizationTx, Scopes } from '../db/scopes.ts';
import { AppError, notFound } from '../errors/app-error.ts';
import type { Feed } from '../feed/feed.ts';
import type { Log } from '../log/log.ts';
import type { JobDefinition } from './define-job.ts';
import { Dispatcher } from './dispatcher.ts';
import { createEnqueue, type Enqueue, type QueuedRun } from './enqueue.ts';
import { changeConfig, type JobConfig, type JobConfigChange, registerJobs, resumeOrganization } from './job-config.ts';
import { deleteOldRows, type JobLogEntry, type LogCursor, readLog } from './job-log.ts';
import { type JobStatus, listJobs, type QueueDepth, readQueueDepth } from './list-jobs.ts';
import { createQueues, openQueue, queueSchema } from './queue.ts';
import { Scheduler } from './scheduler.ts';
import { exclusionKey, sendRuns } from './send-runs.ts';
import { type ObserveRun, Settlement } from './settlement.ts';

interface JobsOptions {
  database: Database;
  scopes: Scopes;
  feed: Pick<Feed, 'publish'>;
  bus: Pick<Bus, 'publish' | 'subscribe'>;
  log: Log;
  now?: () => Date;
  /** Runs at once in this process: 4 on the embedded database, 8 on PostgreSQL unless told. */
  concurrency?: number;
  observeRun?: ObserveRun;
}

/** Work in the transaction of an operator's change. */
type InstanceWork = (tx: InstanceTx) => Promise<void>;

interface StartOptions {
  /** False on a process that only asks for runs. */
  runsWorkers: boolean;
}

interface Started {
  boss: PgBoss;
  enqueue: Enqueue;
  jobs: ReadonlyMap<string, JobDefinition>;
  dispatcher: Dispatcher | undefined;
  scheduler: Scheduler | undefined;
  unsubscribe: () => void;
}

const topic = 'jobs';

/** Makes the job engine of this process; it works from `start` on. */
export function createJobs(options: JobsOptions): Jobs {
  return new Jobs(options);
}

/** Jobs: run when due or asked for, each once for the whole installation, and written down. */
export class Jobs {
  readonly #options: JobsOptions;
  readonly #now: () => Date;
  #started: Started | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: JobsOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
  }

  /** Makes the queue ready for these jobs and, on a worker, begins to run them. The migrations must have run. */
  async start(definitions: readonly JobDefinition[], { runsWorkers }: StartOptions): Promise<void> {
    const { database, log } = this.#options;
    const jobs = new Map(definitions.map((job) => [job.name, job]));
    requireOrderly(definitions, jobs);
    const boss = await openQueue({ database, log, runsWorkers });
    await createQueues(boss, [...jobs.keys()]);
    await registerJobs(database.root, definitions, this.#now());
    const enqueue = createEnqueue({ boss, now: this.#now, onQueued: (job) => this.#onQueued(job) });
    const base = { boss, enqueue, jobs, dispatcher: undefined, scheduler: undefined, unsubscribe: () => undefined };
    this.#started = runsWorkers ? { ...base, ...this.#createWorkers(boss, jobs) } : base;
    // The one process of an embedded database was the only one that could hold a run.
    if (runsWorkers && database.pglite) await releaseAll(database);
    await this.#started.scheduler?.tick();
    await this.#started.dispatcher?.start();
  }

  #createWorkers(boss: PgBoss, jobs: ReadonlyMap<string, JobDefinition>) {
    const { database, scopes, feed, bus, log, observeRun } = this.#options;
    const concurrency = this.#options.concurrency ?? (database.pglite ? 4 : 8);
    const context = { root: database.root, boss, scopes, feed, log, now: this.#now, jobs };
    let configs: ReadonlyMap<string, JobConfig> = new Map();
    const scheduler: Scheduler = new Scheduler({
      ...context,
      onQueued: (job) => this.#onQueued(job),
      onConfigs: (read) => {
        configs = read;
      },
    });
    const onPaused = () => void scheduler.tick();
    const settlement = new Settlement({ ...context, observe: observeRun, onPaused });
    const isPaused = (job: string) => configs.get(job)?.isPaused ?? false;
    const dispatcher = new Dispatcher({ ...context, settlement, concurrency, isPaused });
    const unsubscribe = bus.subscribe(topic, (job) => {
      if (typeof job === 'string') dispatcher.wake(job);
    });
    return { scheduler, dispatcher, unsubscribe };
  }

  /**
   * Asks for a run of an organization's job with the transaction: none when it rolls back, exactly one when it commits. A
   * run of the same key that has not begun counts as this one.
   */
  enqueue(tx: OrganizationTx, jobName: string, { key }: { key?: string } = {}): QueuedRun {
    const { jobs, enqueue } = this.#get();
    const job = jobs.get(jobName);
    if (job?.scope !== 'organization') throw new Error(`There is no job '${jobName}' of organizations.`);
    return enqueue(tx, job, key);
  }

  /**
   * Runs a job at once, for all organizations or for one, even while paused. Throws when it already runs or waits. What else
   * is to happen in the same transaction, such as the entry in the audit log, is told as `also`.
   */
  async runNow(jobName: string, organizationId?: string, also?: InstanceWork): Promise<{ runId: string }> {
    const { boss } = this.#get();
    const job = this.#getJob(jobName);
    const runId = newId();
    await this.#change(also, async (db) => {
      const key = exclusionKey(organizationId);
      await sql`select pg_advisory_xact_lock(hashtextextended(${`${jobName}/${key}`}, 0))`.execute(db);
      const { rows } = await sql`
        select from ${sql.id(queueSchema, 'job')}
        where name = ${jobName} and singleton_key = ${key} and state <= 'active' limit 1`.execute(db);
      if (rows.length > 0) throw alreadyRunning(jobName);
      const common = { origin: 'operator', slot: this.#now().toISOString(), retryLimit: job.retry.limit } as const;
      const data = organizationId === undefined ? common : { ...common, organizationId };
      await sendRuns(boss, db, { job, runs: [{ id: runId, data }] });
    });
    this.#onQueued(jobName);
    return { runId };
  }

  /** The jobs with their settings and state, by name. */
  list(): Promise<JobStatus[]> {
    return listJobs(this.#options.database.root, [...this.#get().jobs.values()], this.#now());
  }

  /** The newest rows of a job's log past the cursor. */
  logs(jobName: string, { limit = 50, before }: { limit?: number; before?: LogCursor } = {}): Promise<JobLogEntry[]> {
    this.#getJob(jobName);
    return readLog(this.#options.database.root, { jobName, limit, before });
  }

  /** Changes a job's settings, here at once and on other processes within seconds; `also` as with `runNow`. */
  async configure(jobName: string, change: JobConfigChange, also?: InstanceWork): Promise<void> {
    const job = this.#getJob(jobName);
    await this.#change(also, (db) => changeConfig(db, job, { change, now: this.#now() }));
    await this.#get().scheduler?.tick();
    this.#onQueued(jobName);
  }

  /** Lets a job run again in an organization where it paused itself. */
  resume(jobName: string, organizationId: string): Promise<void> {
    this.#getJob(jobName);
    return resumeOrganization(this.#options.database.root, { job: jobName, organizationId, now: this.#now() });
  }

  /** How many runs wait and are under way, by job. */
  queueDepth(): Promise<QueueDepth[]> {
    return readQueueDepth(this.#options.database.root);
  }

  /** Deletes log rows, slots and past alerts older than 90 days. */
  deleteOld(now: Date): Promise<{ logs: number; slots: number }> {
    return deleteOldRows(this.#options.database.root, now);
  }

  /** Queues what has come due by `now`; a timer does it otherwise. */
  async tick(now: Date = this.#now()): Promise<void> {
    await this.#get().scheduler?.tick(now);
  }

  /** Resolves when this process has no run under way and none to take. */
  async whenIdle(): Promise<void> {
    await this.#get().dispatcher?.whenIdle();
  }

  /** Takes up what a worker left behind and what is to be tried again by now; timers do it otherwise. */
  async recover(): Promise<void> {
    const { boss, dispatcher } = this.#get();
    await boss.supervise();
    await dispatcher?.beat();
    await dispatcher?.poll();
  }

  /** Takes no more runs, gives those under way `graceSeconds` to end, then aborts them and leaves them to others. */
  close({ graceSeconds }: { graceSeconds: number }): Promise<void> {
    this.#closing ??= this.#close(graceSeconds);
    return this.#closing;
  }

  async #close(graceSeconds: number): Promise<void> {
    const started = this.#started;
    if (!started) return;
    started.unsubscribe();
    await started.scheduler?.close();
    // Runs under way may still ask for others.
    await started.dispatcher?.close(graceSeconds);
    this.#started = undefined;
    await started.boss.stop({ graceful: false });
  }

  #change(also: InstanceWork | undefined, work: (db: InstanceTx['db']) => Promise<void>): Promise<void> {
    return this.#options.scopes.inInstance(async (tx) => {
      await withOwnerRights(tx, work);
      await also?.(tx);
    });
  }

  #onQueued(job: string): void {
    const dispatcher = this.#started?.dispatcher;
    dispatcher?.wake(job);
    if (!dispatcher?.hasRoom) this.#options.bus.publish(topic, job);
  }

  #get(): Started {
    if (!this.#started) throw new Error('The job engine is not started.');
    return this.#started;
  }

  #getJob(name: string): JobDefinition {
    const job = this.#get().jobs.get(name);
    if (!job) throw notFound('job', name);
    return job;
  }
}

function requireOrderly(definitions: readonly JobDefinition[], jobs: ReadonlyMap<string, JobDefinition>): void {
  if (jobs.size !== definitions.length) throw new Error('Two jobs have one name.');
  for (const { name, after = [] } of definitions) {
    const unknown = after.find((input) => !jobs.has(input) || input === name);
    if (unknown !== undefined) throw new Error(`The job '${name}' feeds on '${unknown}', which is no other job.`);
  }
}

async function releaseAll({ root }: Database): Promise<void> {
  await sql`
    update ${sql.id(queueSchema, 'job')} set state = 'retry', heartbeat_on = null, start_after = now()
    where state = 'active'`.execute(root);
}

function alreadyRunning(job: string): AppError {
  return new AppError({
    code: 'IN_PROGRESS',
    message: `The job '${job}' runs already, or waits to: try again when it has ended.`,
    retryAfterSeconds: 5,
  });
}
