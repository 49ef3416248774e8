import { sql } from 'kysely';
import type { PgBoss } from 'pg-boss';
import { newId } from '#kernel/ids.ts';
import type { RootHandle } from '../db/database.ts';
import type { Log } from '../log/log.ts';
import type { JobDefinition } from './define-job.ts';
import { findLastDueTime, findNextDueTime, listDueTimes } from './due-times.ts';
import { type JobConfig, readConfigs } from './job-config.ts';
import { writeLog } from './job-log.ts';
import { parseSchedule, type Schedule } from './schedule.ts';
import { holdWaitingRun, sendRuns } from './send-runs.ts';

/** How soon a change that an operator made on another process is seen. */
const refreshMs = 5_000;
/** A due time older than this passed while nothing ran. */
const missedMs = 60_000;
/** The most due times made up for at once. */
const batchSize = 100;

interface SchedulerOptions {
  root: RootHandle;
  boss: PgBoss;
  log: Log;
  now: () => Date;
  jobs: ReadonlyMap<string, JobDefinition>;
  /** Called with the jobs that have a new run, and with every reading of the configuration. */
  onQueued: (job: string) => void;
  onConfigs: (configs: ReadonlyMap<string, JobConfig>) => void;
}

/** Turns due times into runs, each once for the whole installation. */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #jobs: readonly JobDefinition[];
  readonly #schedules = new Map<string, Schedule>();
  #timer: NodeJS.Timeout | undefined;
  #ticking: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#jobs = listInputsFirst(options.jobs);
  }

  /** Queues what has come due and sets the timer for what comes next. One at a time; never rejects. */
  tick(now = this.#options.now()): Promise<void> {
    const ticked = this.#ticking.then(() => this.#tick(now));
    this.#ticking = ticked;
    return ticked;
  }

  async #tick(now: Date): Promise<void> {
    if (this.#isClosed) return;
    let nextMs = refreshMs;
    try {
      const configs = await readConfigs(this.#options.root);
      this.#options.onConfigs(configs);
      for (const job of this.#jobs) {
        const config = configs.get(job.name);
        if (config && !config.isPaused && config.schedule !== null) {
          nextMs = Math.min(nextMs, await this.#tickJob(job, { ...config, schedule: config.schedule }, now));
        }
      }
    } catch (error) {
      this.#options.log.warn({ err: error }, 'the schedule of jobs could not be worked on; it is tried again');
    }
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.tick(), nextMs);
  }

  /** Answers in how many milliseconds to look again. */
  async #tickJob(job: JobDefinition, config: JobConfig & { schedule: string }, now: Date): Promise<number> {
    const schedule = this.#schedule(config.schedule, config.timezone);
    const after = startingPoint(config, now);
    if (job.missed === 'all') {
      const times = listDueTimes(schedule, { after, until: now, limit: batchSize });
      for (const slot of times) await this.#queue(job, slot);
      if (times.length === batchSize) return 0;
    } else {
      const slot = findLastDueTime(schedule, after, now);
      const isMissed = slot !== undefined && now.getTime() - slot.getTime() > missedMs;
      if (slot && isMissed && job.missed === 'skip') await this.#skip(job, slot);
      else if (slot) await this.#queue(job, slot);
    }
    const next = findNextDueTime(schedule, now);
    return next ? next.getTime() - now.getTime() : refreshMs;
  }

  #schedule(text: string, timezone: string): Schedule {
    const key = `${timezone}/${text}`;
    const schedule = this.#schedules.get(key) ?? parseSchedule(text, timezone);
    this.#schedules.set(key, schedule);
    return schedule;
  }

  async #queue(job: JobDefinition, slot: Date): Promise<void> {
    const { root, boss, now, onQueued } = this.#options;
    const isQueued = await root.transaction().execute(async (db) => {
      if (!(await claimSlot(db, { job, slot, now: now() }))) return false;
      const waiting = await holdWaitingRun(db, job.name, { organizationId: undefined, key: undefined });
      if (waiting !== undefined && job.missed !== 'all') return false;
      const data = { origin: 'schedule', slot: slot.toISOString(), retryLimit: job.retry.limit } as const;
      await sendRuns(boss, db, { job, runs: [{ id: newId(), data }] });
      return true;
    });
    if (isQueued) onQueued(job.name);
  }

  async #skip(job: JobDefinition, slot: Date): Promise<void> {
    const now = this.#options.now();
    await this.#options.root.transaction().execute(async (db) => {
      if (!(await claimSlot(db, { job, slot, now }))) return;
      const times = { startedAt: now, finishedAt: now, slot };
      const what = { id: newId(), jobName: job.name, organizationId: null, status: 'skipped', attempt: 1 } as const;
      await writeLog(db, [{ ...what, ...times, result: null, error: 'The due time passed while nothing ran.' }]);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#ticking;
  }
}

/** Orders jobs so that what a job feeds on is queued when a worker finds it, also where both are due at one moment. */
function listInputsFirst(jobs: ReadonlyMap<string, JobDefinition>): JobDefinition[] {
  const listed: JobDefinition[] = [];
  const visiting = new Set<JobDefinition>();
  const visit = (job: JobDefinition | undefined) => {
    if (!job || visiting.has(job)) return;
    visiting.add(job);
    for (const input of job.after ?? []) visit(jobs.get(input));
    listed.push(job);
  };
  for (const job of jobs.values()) visit(job);
  return listed;
}

/** Due times up to here have been dealt with. A point in the future is of a clock that was wrong and is not believed. */
function startingPoint({ lastSlot, dueAfter }: JobConfig, now: Date): Date {
  const after = lastSlot && lastSlot > dueAfter ? lastSlot : dueAfter;
  return after > now ? new Date(now.getTime() - missedMs) : after;
}

async function claimSlot(
  db: RootHandle,
  { job, slot, now }: { job: JobDefinition; slot: Date; now: Date },
): Promise<boolean> {
  const { rows } = await sql`
    insert into job_slots (job_name, slot, created_at) values (${job.name}, ${slot}, ${now})
    on conflict do nothing returning slot`.execute(db);
  return rows.length > 0;
}
