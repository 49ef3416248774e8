import { sql } from 'kysely';
import type { InstanceTx } from '#platform/db/scopes.ts';
import type { RecoveryCodeTable } from './mfa.tables.ts';

/** What an account has of a second factor, and what it proves itself with otherwise. */
export interface FactorRow {
  email: string;
  /** Null for an account that signs in elsewhere. */
  password_hash: string | null;
  /** Sealed; it counts only while `mfa_enabled_at` is set. */
  mfa_secret: string | null;
  mfa_enabled_at: Date | null;
}

export function findFactor({ db }: InstanceTx, userId: string): Promise<FactorRow | undefined> {
  return db
    .selectFrom('users')
    .select(['email', 'password_hash', 'mfa_secret', 'mfa_enabled_at'])
    .where('id', '=', userId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
}

/** Keeps a secret that is not in force yet; undefined where one is in force. */
export function putSecret(
  { db }: InstanceTx,
  { userId, sealed }: { userId: string; sealed: string },
): Promise<{ email: string } | undefined> {
  return db
    .updateTable('users')
    .set({ mfa_secret: sealed, mfa_last_step: null })
    .where('id', '=', userId)
    .where('mfa_enabled_at', 'is', null)
    .where('deleted_at', 'is', null)
    .returning('email')
    .executeTakeFirst();
}

/** Puts a secret in force; false where it is no longer the one set up, or one is in force. */
export async function turnOn(
  { db }: InstanceTx,
  { userId, sealed, step, at }: { userId: string; sealed: string; step: number; at: Date },
): Promise<boolean> {
  const updated = await db
    .updateTable('users')
    .set({ mfa_enabled_at: at, mfa_last_step: step })
    .where('id', '=', userId)
    .where('mfa_enabled_at', 'is', null)
    .where('mfa_secret', '=', sealed)
    .returning('id')
    .executeTakeFirst();
  return updated !== undefined;
}

/** Forgets the secret and the recovery codes. */
export async function turnOff({ db }: InstanceTx, userId: string): Promise<void> {
  await db
    .with('codes', (query) => query.deleteFrom('mfa_recovery_codes').where('user_id', '=', userId))
    .updateTable('users')
    .set({ mfa_secret: null, mfa_enabled_at: null, mfa_last_step: null })
    .where('id', '=', userId)
    .execute();
}

/** Takes the code of a step: true once for each step, and only in ascending order. */
export async function takeStep(
  { db }: InstanceTx,
  { userId, sealed, step }: { userId: string; sealed: string; step: number },
): Promise<boolean> {
  const updated = await db
    .updateTable('users')
    .set({ mfa_last_step: step })
    .where('id', '=', userId)
    .where('mfa_enabled_at', 'is not', null)
    .where('mfa_secret', '=', sealed)
    .where(sql<boolean>`coalesce(mfa_last_step, -1) < ${step}`)
    .returning('id')
    .executeTakeFirst();
  return updated !== undefined;
}

export async function insertRecoveryCodes(
  { db }: InstanceTx,
  { userId, hashes }: { userId: string; hashes: readonly Buffer[] },
): Promise<void> {
  const rows: RecoveryCodeTable[] = hashes.map((hash) => ({ user_id: userId, code_hash: hash, used_at: null }));
  await db.insertInto('mfa_recovery_codes').values(rows).execute();
}

/** Takes a recovery code: true once. */
export async function takeRecoveryCode(
  { db }: InstanceTx,
  { userId, hash, at }: { userId: string; hash: Buffer; at: Date },
): Promise<boolean> {
  const updated = await db
    .updateTable('mfa_recovery_codes')
    .set({ used_at: at })
    .where('user_id', '=', userId)
    .where('code_hash', '=', hash)
    .where('used_at', 'is', null)
    .returning('user_id')
    .executeTakeFirst();
  return updated !== undefined;
}
