import { sql } from 'kysely';
import type { JobWithMetadata } from 'pg-boss';
import { createRareWarning } from '../bus/rare-warning.ts';
import { checkInputs } from './check-inputs.ts';
import type { JobDefinition } from './define-job.ts';
import { releaseRun } from './hold-run.ts';
import { writeLog } from './job-log.ts';
import { leaseSeconds, queueSchema } from './queue.ts';
import { settledIds } from './queue-database.ts';
import { type RunContext, runJob } from './run-job.ts';
import { allowedLosses, type RunData, spareClaims } from './send-runs.ts';
import { type ClaimedRun, isLoggedFromStart, type Outcome, startedEntry } from './settle-runs.ts';
import type { Settlement } from './settlement.ts';

interface DispatcherOptions extends RunContext {
  jobs: ReadonlyMap<string, JobDefinition>;
  settlement: Settlement;
  /** Runs at once in this process; one job has at most all but one of them. */
  concurrency: number;
  isPaused: (job: string) => boolean;
}

interface Running {
  run: ClaimedRun;
  controller: AbortController;
}

const pollMs = 2_000;
const waitSeconds = 2;
const operatorPriority = 100;

/** Takes runs from the queue and sees them to their end. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #running = new Set<Running>();
  readonly #awake = new Set<string>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #warn: ReturnType<typeof createRareWarning>;
  #idlers: (() => void)[] = [];
  #pumping: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#warn = createRareWarning(options.log);
  }

  /** Begins to take runs; those that wait already are found by the first look. */
  async start(): Promise<void> {
    this.#timers.push(setInterval(() => void this.poll(), pollMs));
    this.#timers.push(setInterval(() => void this.beat(), (leaseSeconds * 1_000) / 3));
    await this.poll();
  }

  /** A job has a run to be taken. */
  wake(job: string): void {
    if (this.#isClosed || !this.#options.jobs.has(job)) return;
    this.#awake.add(job);
    this.#pumpOn();
  }

  get hasRoom(): boolean {
    return !this.#isClosed && this.#running.size < this.#options.concurrency;
  }

  /** Looks for jobs with runs to be taken: what other processes queued, what was to be tried again, what was lost. */
  async poll(): Promise<void> {
    const { root, jobs } = this.#options;
    try {
      const { rows } = await sql<{ name: string }>`
        select n.name from unnest(${[...jobs.keys()]}::text[]) as n (name)
        where exists (
          select from ${sql.id(queueSchema, 'job')} j
          where j.name = n.name and j.state < 'active' and not j.blocked and j.start_after <= now())`.execute(root);
      for (const { name } of rows) this.wake(name);
    } catch (error) {
      this.#warn({ err: error }, 'the job queue could not be read; it is tried again');
    }
  }

  /** Tells that the runs of this process are alive, and stops those that another worker has taken over. */
  async beat(): Promise<void> {
    for (const [name, ofJob] of Map.groupBy(this.#running, ({ run }) => run.name)) {
      try {
        const claims = ofJob.map(({ run }) => run);
        const held = new Set(settledIds(await this.#options.boss.touch(name, claims)));
        for (const { run, controller } of ofJob) {
          if (!held.has(run.id)) controller.abort(new Error('Another worker has taken this run over.'));
        }
      } catch (error) {
        this.#warn({ err: error }, 'the runs of jobs could not be kept alive; it is tried again');
      }
    }
  }

  /** Resolves when no run is under way here and none waits to be taken. */
  whenIdle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idlers.push(resolve));
  }

  #isIdle(): boolean {
    return this.#running.size === 0 && !this.#pumping && (this.#awake.size === 0 || this.#isClosed);
  }

  #pumpOn(): void {
    if (this.#pumping || this.#isClosed || ![...this.#awake].some((job) => this.#roomFor(job) > 0)) return;
    this.#pumping = this.#pump().finally(() => {
      this.#pumping = undefined;
      this.#pumpOn();
      this.#noteIdle();
    });
  }

  async #pump(): Promise<void> {
    for (const job of [...this.#awake]) {
      const room = this.#roomFor(job);
      if (room <= 0 || this.#isClosed) continue;
      // Before the look, so that a call during it counts.
      this.#awake.delete(job);
      try {
        const taken = await this.#take(job, room);
        if (taken === room) this.#awake.add(job);
      } catch (error) {
        this.#warn({ err: error }, 'runs of jobs could not be taken; it is tried again');
      }
    }
  }

  #roomFor(job: string): number {
    const { concurrency } = this.#options;
    const ofJob = [...this.#running].filter(({ run }) => run.name === job).length;
    return Math.min(concurrency - this.#running.size, Math.max(concurrency - 1, 1) - ofJob);
  }

  async #take(name: string, room: number): Promise<number> {
    const { boss, jobs, isPaused } = this.#options;
    const job = jobs.get(name);
    if (!job) return 0;
    const fetched = await boss.fetch<RunData>(name, {
      batchSize: room,
      includeMetadata: true,
      groupConcurrency: 1,
      ...(isPaused(name) ? { minPriority: operatorPriority } : {}),
    });
    const startedAt = this.#options.now();
    for (const one of fetched) void this.#see(toClaimedRun(job, one, startedAt));
    return fetched.length;
  }

  async #see(run: ClaimedRun): Promise<void> {
    const controller = new AbortController();
    const running = { run, controller };
    this.#running.add(running);
    try {
      const outcome = await this.#execute(run, controller.signal);
      // A run that was taken over or put back is no longer this worker's to end.
      if (outcome && !controller.signal.aborted) {
        await this.#options.settlement.settle({ run, outcome, endedAt: this.#options.now() });
      }
    } finally {
      this.#running.delete(running);
      // Another run of the same organization may have waited for this one.
      if (!this.#isClosed) this.#awake.add(run.name);
      this.#pumpOn();
      this.#noteIdle();
    }
  }

  async #execute(run: ClaimedRun, signal: AbortSignal): Promise<Outcome | undefined> {
    if (run.isLost) return { kind: 'failed', error: 'The workers that ran this were lost.' };
    try {
      const { root } = this.#options;
      const obstacle = await findObstacle(this.#options, run);
      if (obstacle !== null) return { kind: 'cancelled', error: obstacle };
      const inputs = await checkInputs(root, run, run.startedAt);
      if (inputs.isWait) {
        await releaseRun(root, run, waitSeconds);
        return undefined;
      }
      if (isLoggedFromStart(run)) await writeLog(root, [startedEntry(run)]);
      return await runJob(this.#options, run, { signal, staleInputs: inputs.stale });
    } catch (error) {
      return { kind: 'failed', error: error instanceof Error ? error.message : String(error) };
    }
  }

  #noteIdle(): void {
    if (!this.#isIdle()) return;
    const idlers = this.#idlers;
    this.#idlers = [];
    for (const resolve of idlers) resolve();
  }

  /** Takes no more runs, gives those under way the time to end, then aborts them and leaves them to other workers. */
  async close(graceSeconds: number): Promise<void> {
    this.#isClosed = true;
    await this.#pumping;
    await this.#idleWithin(graceSeconds * 1_000);
    const left = [...this.#running];
    for (const { run, controller } of left) {
      controller.abort(new Error('The process stops.'));
      await releaseRun(this.#options.root, run).catch((error: unknown) =>
        this.#warn({ err: error, job: run.name }, 'a run could not be put back; it is taken over when its lease ends'),
      );
    }
    if (left.length > 0) await this.#idleWithin(1_000);
    for (const timer of this.#timers) clearInterval(timer);
  }

  async #idleWithin(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([this.whenIdle(), promise]);
    clearTimeout(timer);
  }
}

function toClaimedRun(job: JobDefinition, one: JobWithMetadata<RunData>, startedAt: Date): ClaimedRun {
  const { id, name, data, retryCount, retryLimit } = one;
  const released = retryLimit - data.retryLimit - spareClaims;
  const attempt = retryCount - released + 1;
  return { id, name, retryCount, job, data, attempt, isLost: attempt > data.retryLimit + 1 + allowedLosses, startedAt };
}

/** Says why a run may not be in its organization; null when it may. */
async function findObstacle({ root }: RunContext, { name, data }: ClaimedRun): Promise<string | null> {
  if (data.organizationId === undefined) return null;
  const { rows } = await sql<{ isPaused: boolean }>`
    select exists (
      select from job_organizations p where p.organization_id = o.id and p.job_name = ${name} and p.is_paused
    ) as "isPaused"
    from organizations o where o.id = ${data.organizationId}`.execute(root);
  const [found] = rows;
  if (!found) return 'The organization is gone.';
  return found.isPaused && data.origin !== 'operator' ? 'The job is paused in this organization.' : null;
}
