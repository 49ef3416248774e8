import type { PgBoss } from 'pg-boss';
import { createRareWarning } from '../bus/rare-warning.ts';
import type { RootHandle } from '../db/database.ts';
import { isConnectionFault } from '../db/faults.ts';
import type { Log } from '../log/log.ts';
import { type EndedRun, isToBeRetried, settleRuns } from './settle-runs.ts';

/** Told of each run that ends. */
export type ObserveRun = (run: { job: string; outcome: string; seconds: number }) => void;

interface SettlementOptions {
  root: RootHandle;
  boss: PgBoss;
  log: Log;
  observe: ObserveRun | undefined;
  /** A job may have paused itself. */
  onPaused: () => void;
}

interface Waiting {
  ended: EndedRun;
  resolve: () => void;
}

const batchSize = 100;
const attempts = 20;
const repeatMs = 1_000;

/** Writes down what came of runs. Those that end while a batch is written make the next: the busier, the fewer writes. */
export class Settlement {
  readonly #options: SettlementOptions;
  readonly #warn: ReturnType<typeof createRareWarning>;
  readonly #waiting: Waiting[] = [];
  #isWriting = false;

  constructor(options: SettlementOptions) {
    this.#options = options;
    this.#warn = createRareWarning(options.log);
  }

  /** Resolves when it is written; also when the database stayed away for so long that others take the run over. */
  settle(ended: EndedRun): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ ended, resolve });
    void this.#write();
    return promise;
  }

  async #write(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, batchSize);
      await this.#writeBatch(batch.map(({ ended }) => ended));
      for (const { resolve } of batch) resolve();
    }
    this.#isWriting = false;
  }

  async #writeBatch(batch: readonly EndedRun[]): Promise<void> {
    const { log, observe, onPaused } = this.#options;
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      try {
        const paused = await settleRuns(this.#options, batch);
        for (const { name, data } of paused) {
          log.error({ job: name, organization: data.organizationId }, 'a job is paused: too many runs failed in a row');
        }
        for (const ended of batch) report(ended, log, observe);
        if (paused.length > 0) onPaused();
        return;
      } catch (error) {
        this.#warn({ err: error }, 'the end of runs could not be written down; it is tried again');
        // One that cannot be written is not to hold up the others.
        if (batch.length > 1 && !isConnectionFault(error)) return this.#writeEach(batch);
        await new Promise((resolve) => setTimeout(resolve, repeatMs));
      }
    }
  }

  async #writeEach(batch: readonly EndedRun[]): Promise<void> {
    for (const ended of batch) await this.#writeBatch([ended]);
  }
}

function report(ended: EndedRun, log: Log, observe: ObserveRun | undefined): void {
  const { run, outcome, endedAt } = ended;
  const seconds = (endedAt.getTime() - run.startedAt.getTime()) / 1_000;
  const fields = { job: run.name, run: run.id, organization: run.data.organizationId, attempt: run.attempt };
  observe?.({ job: run.name, outcome: nameOf(ended), seconds });
  if (outcome.kind === 'failed') log.warn({ ...fields, error: outcome.error }, 'a run of a job failed');
  else log.debug({ ...fields, seconds }, 'a run of a job ended');
}

function nameOf(ended: EndedRun): string {
  const { outcome } = ended;
  if (outcome.kind === 'done') return outcome.result === undefined ? 'idle' : 'succeeded';
  return isToBeRetried(ended) ? 'retried' : outcome.kind;
}
