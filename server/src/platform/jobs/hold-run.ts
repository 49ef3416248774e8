import { sql, type Transaction } from 'kysely';
import type { RootHandle } from '../db/database.ts';
import type { OrganizationTx } from '../db/scopes.ts';
import type { Tables } from '../db/tables.ts';
import { conflict } from '../errors/app-error.ts';
import { queueSchema } from './queue.ts';

/** One attempt at a run: what a worker holds while it works. */
export interface Claim {
  readonly name: string;
  readonly id: string;
  /** pg-boss raises it with each claim, so it tells one holder from the next. */
  readonly retryCount: number;
}

const jobTable = sql.id(queueSchema, 'job');

/**
 * Fails unless the claim still stands, and keeps it standing until the transaction ends: a supervisor that wants to hand
 * the run on waits for the row. To be the last of a transaction, because the worker's own heartbeat waits for it too.
 */
export async function holdRun(db: Transaction<Tables>, { name, id, retryCount }: Claim): Promise<void> {
  const { rows } = await sql`
    select from ${jobTable}
    where name = ${name} and id = ${id} and state = 'active' and retry_count = ${retryCount} for share`.execute(db);
  if (rows.length === 0)
    throw conflict(`The run ${id} of ${name} was handed to another worker; this one may not finish.`);
}

/**
 * Runs the platform's own statements in an organization's transaction under the owner's rights, then goes back to the
 * role of the scope. For `beforeCommit` alone: nothing of a feature may run in between.
 */
export async function asOwner(tx: OrganizationTx, work: () => Promise<void>): Promise<void> {
  await sql`select set_config('role', 'none', true)`.execute(tx.db);
  await work();
  const role = tx.principal.kind === 'system' ? 'almanac_system' : 'almanac_app';
  await sql`select set_config('role', ${role}, true)`.execute(tx.db);
}

/** The same as `holdRun` as the last of a transaction under another role, which ends with it. */
export async function holdAsOwner(db: Transaction<Tables>, claim: Claim): Promise<void> {
  await sql`select set_config('role', 'none', true)`.execute(db);
  await holdRun(db, claim);
}

/** Puts a claimed run back for any worker, without counting it as an attempt; nothing when the claim is gone. */
export async function releaseRun(db: RootHandle, { name, id, retryCount }: Claim, delaySeconds = 0): Promise<void> {
  // The raised limit keeps the attempt free; the count goes up all the same at the next claim, which fences this one off.
  await sql`
    update ${jobTable} set state = 'retry', retry_limit = retry_limit + 1, heartbeat_on = null,
      start_after = now() + make_interval(secs => ${delaySeconds})
    where name = ${name} and id = ${id} and state = 'active' and retry_count = ${retryCount}`.execute(db);
}
