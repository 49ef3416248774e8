import { sql, type Transaction } from 'kysely';
import { AppError } from '../errors/app-error.ts';
import type { RootHandle } from './database.ts';
import type { Tables } from './tables.ts';

/** One call that carries an Idempotency-Key. */
export interface IdempotentCall {
  /** Who calls, by user: a key is each caller's own. */
  readonly caller: string;
  /** The endpoint's id. */
  readonly route: string;
  readonly key: string;
  /** Hash of path, query and body: another one under the same key is refused. */
  readonly requestHash: string;
  /** Set when the answer is a stored one. */
  wasReplayed: boolean;
}

/** What of an organization's transaction is needed here. */
interface OrganizationWork {
  readonly db: Transaction<Tables>;
  readonly organizationId: string;
}

interface StoredAnswer {
  request_hash: string;
  answer: unknown;
}

/**
 * Runs the work once for the key. The answer is stored in the transaction that does the work, so a crash in between
 * leaves both or neither. A repeated call gets the stored answer; one made while the first still runs is refused (409),
 * and so is the same key with another body (422). Keys are kept 24 hours.
 */
export async function runOnce<Tx extends OrganizationWork, T>(
  tx: Tx,
  call: IdempotentCall,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const lock = `${tx.organizationId}/${call.caller}/${call.route}/${call.key}`;
  const claim = await sql<{ is_mine: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended(${lock}, 0)) as is_mine`.execute(tx.db);
  if (!claim.rows[0]?.is_mine) throw inProgress(call.key);
  const stored = await findAnswer(tx, call);
  if (stored) {
    if (stored.request_hash !== call.requestHash) throw keyReused(call.key);
    call.wasReplayed = true;
    return stored.answer as T;
  }
  const answer = await work(tx);
  await sql`
    insert into idempotency_keys (organization_id, caller, route, key, request_hash, answer)
    values (${tx.organizationId}, ${call.caller}, ${call.route}, ${call.key}, ${call.requestHash},
      ${JSON.stringify(answer ?? null)})
    on conflict (organization_id, caller, route, key)
    do update set request_hash = excluded.request_hash, answer = excluded.answer, created_at = now()`.execute(tx.db);
  return answer;
}

async function findAnswer(tx: OrganizationWork, call: IdempotentCall): Promise<StoredAnswer | undefined> {
  const { rows } = await sql<StoredAnswer>`
    select request_hash, answer from idempotency_keys
    where organization_id = ${tx.organizationId} and caller = ${call.caller} and route = ${call.route}
      and key = ${call.key} and created_at > now() - interval '24 hours'`.execute(tx.db);
  return rows[0];
}

function inProgress(key: string): AppError {
  return new AppError({
    code: 'IN_PROGRESS',
    message: `The call with the Idempotency-Key '${key}' is still running. Try again in a second.`,
    retryAfterSeconds: 1,
  });
}

function keyReused(key: string): AppError {
  return new AppError({
    code: 'IDEMPOTENCY_KEY_REUSED',
    message: `The Idempotency-Key '${key}' was used before with another body. Use a new key for a new call.`,
  });
}

const deletedAtOnce = 5_000;

/** Deletes answers that are older than 24 hours, in short steps; answers how many. */
export async function deleteOldAnswers(root: RootHandle, now: Date): Promise<number> {
  const before = new Date(now.getTime() - 24 * 3_600_000);
  let total = 0;
  for (;;) {
    const { rows } = await sql<{ deleted: number }>`
      with old as (
        select organization_id, caller, route, key from idempotency_keys
        where created_at < ${before} order by created_at limit ${deletedAtOnce}
      ),
      deleted as (
        delete from idempotency_keys k using old
        where (k.organization_id, k.caller, k.route, k.key) = (old.organization_id, old.caller, old.route, old.key)
        returning 1
      )
      select count(*) as deleted from deleted`.execute(root);
    const deleted = rows[0]?.deleted ?? 0;
    total += deleted;
    if (deleted < deletedAtOnce) return total;
  }
}
