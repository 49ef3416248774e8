import type { Transaction } from 'kysely';
import type { PgBoss } from 'pg-boss';
import type { RootHandle } from '../db/database.ts';
import type { Tables } from '../db/tables.ts';
import type { JobDefinition, JobResult } from './define-job.ts';
import type { Claim } from './hold-run.ts';
import { countFanOut, type FanOutCounts, type JobLogDraft, writeLog } from './job-log.ts';
import { inTransaction, settledIds } from './queue-database.ts';
import { countFailure, forgetFailures } from './record-failures.ts';
import type { RunData } from './send-runs.ts';

/** A run that a worker has taken. */
export interface ClaimedRun extends Claim {
  readonly job: JobDefinition;
  readonly data: RunData;
  /** 1 on the first attempt. */
  readonly attempt: number;
  /** More attempts were lost than may be: nothing is run, the failure is written down. */
  readonly isLost: boolean;
  readonly startedAt: Date;
}

/** How a run ended. */
export type Outcome =
  | { kind: 'done'; result: JobResult }
  | { kind: 'fanned-out' }
  | { kind: 'failed'; error: string }
  | { kind: 'cancelled'; error: string };

/** A run that has ended and is to be written down. */
export interface EndedRun {
  run: ClaimedRun;
  outcome: Outcome;
  endedAt: Date;
}

/** True when the failure is to be tried again. */
export function isToBeRetried({ run, outcome }: EndedRun): boolean {
  return outcome.kind === 'failed' && !run.isLost && run.attempt <= run.data.retryLimit;
}

/**
 * Ends runs in the queue and writes down what came of them, in one transaction: a run is never counted twice, and one
 * whose worker dies before is run again. Runs that were handed to another worker are left to it.
 * Answers the jobs, or jobs in an organization, that were paused for their failures.
 */
export async function settleRuns(
  { root, boss }: { root: RootHandle; boss: PgBoss },
  ended: readonly EndedRun[],
): Promise<ClaimedRun[]> {
  return root.transaction().execute(async (db) => {
    const held = await endInQueue(boss, db, ended);
    const kept = ended.filter(({ run }) => held.has(run.id));
    await writeLog(db, kept.flatMap(toLogEntry));
    for (const [counts, now] of sumFanOuts(kept)) await countFanOut(db, counts, now);
    return recordPlaces(db, kept);
  });
}

async function endInQueue(boss: PgBoss, db: Transaction<Tables>, ended: readonly EndedRun[]): Promise<Set<string>> {
  const held: string[] = [];
  const within = inTransaction(db);
  for (const [name, ofJob] of Map.groupBy(ended, ({ run }) => run.name)) {
    const ways = Map.groupBy(ofJob, wayOut);
    const claimsOf = (way: ReturnType<typeof wayOut>) => (ways.get(way) ?? []).map(toClaim);
    const [completed, retried, dropped] = [claimsOf('complete'), claimsOf('retry'), claimsOf('drop')];
    if (completed.length > 0) held.push(...settledIds(await boss.complete(name, completed, null, within)));
    if (retried.length > 0) held.push(...settledIds(await boss.fail(name, retried, null, within)));
    // What failed for good leaves the queue as cancelled: the log is where failures are kept.
    if (dropped.length > 0) held.push(...settledIds(await boss.cancel(name, dropped, within)));
  }
  return new Set(held);
}

function wayOut(entry: EndedRun): 'complete' | 'retry' | 'drop' {
  const { kind } = entry.outcome;
  if (kind === 'done' || kind === 'fanned-out') return 'complete';
  return isToBeRetried(entry) ? 'retry' : 'drop';
}

function toClaim({ run }: EndedRun): { id: string; retryCount: number } {
  return { id: run.id, retryCount: run.retryCount };
}

/** True for a run that has its row from the start: of the installation, or asked for by an operator. */
export function isLoggedFromStart({ data }: Pick<ClaimedRun, 'data'>): boolean {
  return data.organizationId === undefined || (data.origin === 'operator' && data.parentId === undefined);
}

function toLogEntry(entry: EndedRun): JobLogDraft[] {
  const { run, outcome, endedAt } = entry;
  if (outcome.kind === 'fanned-out') return [];
  if (outcome.kind === 'done' && outcome.result === undefined && !isLoggedFromStart(run)) return [];
  const isOpen = isToBeRetried(entry);
  return [
    {
      ...startedEntry(run),
      status: statusOf(outcome.kind, isOpen),
      finishedAt: isOpen ? null : endedAt,
      result: outcome.kind === 'done' ? (outcome.result ?? null) : null,
      error: outcome.kind === 'done' ? null : outcome.error,
    },
  ];
}

function statusOf(kind: 'done' | 'failed' | 'cancelled', isOpen: boolean): JobLogDraft['status'] {
  if (isOpen) return 'running';
  return kind === 'done' ? 'succeeded' : kind;
}

/** The row of a run that has begun. */
export function startedEntry({ id, name, data, attempt, startedAt }: ClaimedRun): JobLogDraft {
  return {
    id,
    jobName: name,
    organizationId: data.organizationId ?? null,
    slot: new Date(data.slot),
    status: 'running',
    attempt,
    startedAt,
    finishedAt: null,
    result: null,
    error: null,
  };
}

function sumFanOuts(kept: readonly EndedRun[]): [FanOutCounts, Date][] {
  const sums = new Map<string, [FanOutCounts, Date]>();
  for (const entry of kept) {
    const { run, outcome, endedAt } = entry;
    const parentId = outcome.kind === 'fanned-out' ? run.id : run.data.parentId;
    if (parentId === undefined || isToBeRetried(entry)) continue;
    const [counts] = sums.get(parentId) ?? [{ parentId, done: 0, succeeded: 0, idle: 0, failed: 0 }];
    counts.done += 1;
    if (outcome.kind === 'done') counts[outcome.result === undefined ? 'idle' : 'succeeded'] += 1;
    else if (outcome.kind === 'failed') counts.failed += 1;
    sums.set(parentId, [counts, endedAt]);
  }
  return [...sums.values()];
}

async function recordPlaces(db: Transaction<Tables>, kept: readonly EndedRun[]): Promise<ClaimedRun[]> {
  const well = kept.filter((entry) => wayOut(entry) === 'complete');
  const places = well.map(({ run }) => placeOf(run));
  for (const last of well.slice(-1)) await forgetFailures(db, places, last.endedAt);
  const paused: ClaimedRun[] = [];
  for (const entry of kept) {
    const { run, outcome, endedAt } = entry;
    if (outcome.kind !== 'failed' || isToBeRetried(entry)) continue;
    if (await countFailure(db, { ...placeOf(run), error: outcome.error, now: endedAt })) paused.push(run);
  }
  return paused;
}

function placeOf({ name, data }: ClaimedRun) {
  return { job: name, organizationId: data.organizationId };
}
