import type { PgBoss } from 'pg-boss';
import { newId } from '#kernel/ids.ts';
import type { OrganizationTx } from '../db/scopes.ts';
import type { OrganizationJob } from './define-job.ts';
import { asOwner } from './hold-run.ts';
import { holdWaitingRun, sendRuns } from './send-runs.ts';

interface AskedRun {
  job: OrganizationJob;
  key: string | undefined;
  queued: QueuedRun;
}

/** A run that was asked for. */
export interface QueuedRun {
  /** Of the run that does it, which may be one that waited already: to be read once the transaction stands. */
  readonly id: string;
}

interface EnqueueOptions {
  boss: PgBoss;
  now: () => Date;
  /** Called after the commit, with the job that has something to run. */
  onQueued: (job: string) => void;
}

/** Asks for runs with the transaction. */
export type Enqueue = (tx: OrganizationTx, job: OrganizationJob, key: string | undefined) => QueuedRun;

/**
 * Makes the function that asks for runs. What a transaction asks for is queued as its last statements, so the queue's row
 * is there exactly when the commit stands, whatever happens to the process afterwards; the call after the commit only
 * saves the wait for the next look. Run under the owner's rights, because the roles of requests have none on the queue.
 * A run that would do the same and has not begun is not asked for twice.
 */
export function createEnqueue({ boss, now, onQueued }: EnqueueOptions): Enqueue {
  const asked = new WeakMap<OrganizationTx, Map<string, AskedRun>>();

  const queueAll = async (tx: OrganizationTx, runs: Iterable<AskedRun>) => {
    for (const { job, key, queued } of runs) {
      const { organizationId } = tx;
      const waiting = await holdWaitingRun(tx.db, job.name, { organizationId, key });
      if (waiting !== undefined) {
        Object.assign(queued, { id: waiting });
        continue;
      }
      const slot = now().toISOString();
      const common = { origin: 'request', slot, retryLimit: job.retry.limit, organizationId } as const;
      await sendRuns(boss, tx.db, {
        job,
        runs: [{ id: queued.id, data: key === undefined ? common : { ...common, key } }],
      });
    }
  };

  return (tx, job, key) => {
    const id = JSON.stringify([job.name, key]);
    const earlier = asked.get(tx);
    const queued = earlier?.get(id)?.queued ?? { id: newId() };
    if (earlier) {
      earlier.set(id, { job, key, queued });
      return queued;
    }
    const runs = new Map([[id, { job, key, queued }]]);
    asked.set(tx, runs);
    tx.beforeCommit(async () => {
      asked.delete(tx);
      await asOwner(tx, () => queueAll(tx, runs.values()));
    });
    tx.afterCommit(() => {
      for (const name of new Set([...runs.values()].map(({ job: { name } }) => name))) onQueued(name);
    });
    return queued;
  };
}
