import { sql } from 'kysely';
import type { InstanceTx } from './scopes.ts';

/**
 * Runs statements on the platform's own tables under the owner's rights, in a transaction on accounts and organizations,
 * then goes back to the role of that. Features do not import this.
 */
export async function withOwnerRights<T>(tx: InstanceTx, work: (db: InstanceTx['db']) => Promise<T>): Promise<T> {
  await sql`select set_config('role', 'none', true)`.execute(tx.db);
  const result = await work(tx.db);
  await sql`select set_config('role', 'almanac_instance', true)`.execute(tx.db);
  return result;
}
