import { createHash } from 'node:crypto';
import { sql, type Transaction } from 'kysely';
import type { JobInsert, PgBoss } from 'pg-boss';
import type { Tables } from '../db/tables.ts';
import type { JobDefinition } from './define-job.ts';
import { leaseSeconds, queueSchema } from './queue.ts';
import { inTransaction } from './queue-database.ts';

/** What a run is told; the tables hold the rest. */
export interface RunData {
  /** Due by schedule, asked for by a transaction, or by an operator. */
  origin: 'schedule' | 'request' | 'operator';
  slot: string;
  /** The failed attempts that are tried again. */
  retryLimit: number;
  organizationId?: string;
  key?: string;
  /** The run whose fan-out made this one. */
  parentId?: string;
}

/** A run to be queued. */
export interface NewRun {
  id: string;
  data: RunData;
}

/** Attempts that may end with their worker on top of those that may fail: not the run's fault, unless it kills workers. */
export const allowedLosses = 2;

/**
 * Claims left when the attempts that failed are used up: those lost with their worker count as well, and the last one must
 * find somebody who writes the failure down.
 */
export const spareClaims = 5;

const priorities = { operator: 100, request: 10, schedule: 0 };
const longestDelaySeconds = 3_600;
/** Beyond the job's own time-out, after which its worker gives up by itself. */
const expiryMarginSeconds = 60;

/** The one value that excludes two runs from running at once. */
export function exclusionKey(organizationId: string | undefined): string {
  return organizationId ?? '*';
}

/** Queues runs of one job in the transaction. Answers the ids that were not there yet. */
export async function sendRuns(
  boss: PgBoss,
  db: Transaction<Tables>,
  { job, runs }: { job: JobDefinition; runs: readonly NewRun[] },
): Promise<string[]> {
  if (runs.length === 0) return [];
  const inserted = await boss.insert(
    job.name,
    runs.map((run) => toInsert(job, run)),
    {
      ...inTransaction(db),
      returnId: true,
    },
  );
  return inserted ?? [];
}

function toInsert(job: JobDefinition, { id, data }: NewRun): JobInsert<RunData> {
  const { delaySeconds } = job.retry;
  const key = exclusionKey(data.organizationId);
  // A run that fans out goes before the runs of organizations that wait, so that a long queue does not hold it up.
  const isWhole = data.organizationId === undefined;
  return {
    id,
    data,
    priority: priorities[data.origin] + (isWhole ? 20 : 0),
    retryLimit: data.retryLimit + spareClaims,
    retryDelay: delaySeconds,
    retryBackoff: delaySeconds > 0,
    ...(delaySeconds > 0 ? { retryDelayMax: longestDelaySeconds } : {}),
    singletonKey: key,
    group: { id: key },
    expireInSeconds: Math.ceil(job.timeoutSeconds) + expiryMarginSeconds,
    heartbeatSeconds: leaseSeconds,
    deleteAfterSeconds: 3_600,
    retentionSeconds: 30 * 86_400,
  };
}

/** An id that is the same whenever the same run fans out to the same organization again. */
export function fanOutId(parentId: string, organizationId: string): string {
  const hash = createHash('sha256').update(`${parentId}/${organizationId}`).digest('hex');
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-a${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

/**
 * The id of a run that would do the same and has not begun; undefined where there is none. That run is kept from beginning until the transaction ends, so
 * that it sees what the transaction did.
 */
export async function holdWaitingRun(
  db: Transaction<Tables>,
  job: string,
  { organizationId, key }: { organizationId: string | undefined; key: string | undefined },
): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    select id from ${sql.id(queueSchema, 'job')}
    where name = ${job} and state = 'created' and singleton_key = ${exclusionKey(organizationId)}
      and coalesce(data ->> 'key', '') = ${key ?? ''} and start_after <= now()
    limit 1 for share`.execute(db);
  return rows[0]?.id;
}
