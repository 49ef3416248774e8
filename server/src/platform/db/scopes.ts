import { sql, type Transaction } from 'kysely';
import type { Principal } from '../access/principal.ts';
import { databaseUnavailable } from '../errors/app-error.ts';
import type { Log } from '../log/log.ts';
import type { Database } from './database.ts';
import { isConnectionFault, isRetryable } from './faults.ts';
import { type IdempotentCall, runOnce } from './idempotency.ts';
import type { Tables } from './tables.ts';

declare const organizationScope: unique symbol;
declare const instanceScope: unique symbol;

/**
 * A transaction inside one organization: row security shows and accepts that organization's rows alone. Stores take it
 * as their first argument; nothing else gives access to an organization's tables.
 */
export interface OrganizationTx {
  readonly [organizationScope]: true;
  readonly db: Transaction<Tables>;
  readonly principal: Principal;
  readonly organizationId: string;
  /** Runs after the work and before the commit, in the order given; for the platform's own last statements. */
  beforeCommit(run: () => Promise<void>): void;
  /** Runs once the commit stands; a failure is logged and does not reach the caller. */
  afterCommit(run: () => void | Promise<void>): void;
}

/** A transaction on the tables of accounts and organizations, for the identity feature alone. */
export interface InstanceTx {
  readonly [instanceScope]: true;
  readonly db: Transaction<Tables>;
}

export interface OrganizationOptions {
  /** Makes the work happen once for an Idempotency-Key: a repeated call gets the first one's result. */
  once?: IdempotentCall | undefined;
}

/** The two ways into the database that features are given. */
export interface Scopes {
  /** Runs work in one transaction as the principal, in the principal's organization. */
  inOrganization<T>(
    principal: Principal,
    work: (tx: OrganizationTx) => Promise<T>,
    options?: OrganizationOptions,
  ): Promise<T>;
  /** Runs work in one transaction on accounts and organizations. */
  inInstance<T>(work: (tx: InstanceTx) => Promise<T>): Promise<T>;
}

interface ScopesOptions {
  database: Pick<Database, 'root'>;
  log: Log;
}

const maxAttempts = 4;

/** Makes the scopes on an open database. */
export function createScopes({ database, log }: ScopesOptions): Scopes {
  const attempt = async <T>(run: () => Promise<T>): Promise<T> => {
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await run();
      } catch (error) {
        if (isConnectionFault(error)) throw databaseUnavailable(error);
        if (!isRetryable(error) || attempts === maxAttempts) throw error;
      }
    }
  };
  return {
    inOrganization: (principal, work, options = {}) =>
      attempt(async () => {
        const effects: (() => void | Promise<void>)[] = [];
        const result = await database.root
          .transaction()
          .execute((db) => runInOrganization({ db, principal, effects, once: options.once }, work));
        await runEffects(effects, log);
        return result;
      }),
    inInstance: (work) =>
      attempt(() =>
        database.root.transaction().execute(async (db) => {
          await sql`select set_config('role', 'almanac_instance', true)`.execute(db);
          return work({ db } as InstanceTx);
        }),
      ),
  };
}

interface OpenWork {
  db: Transaction<Tables>;
  principal: Principal;
  effects: (() => void | Promise<void>)[];
  once: IdempotentCall | undefined;
}

async function runInOrganization<T>(open: OpenWork, work: (tx: OrganizationTx) => Promise<T>): Promise<T> {
  const { db, principal, effects, once } = open;
  await openScope(db, principal);
  const last: (() => Promise<void>)[] = [];
  const tx = {
    db,
    principal,
    organizationId: principal.organizationId,
    beforeCommit: (run: () => Promise<void>) => void last.push(run),
    afterCommit: (run: () => void | Promise<void>) => void effects.push(run),
  } as OrganizationTx;
  const result = await (once ? runOnce(tx, once, work) : work(tx));
  for (const run of last) await run();
  return result;
}

async function openScope(db: Transaction<Tables>, principal: Principal): Promise<void> {
  const role = principal.kind === 'system' ? 'almanac_system' : 'almanac_app';
  const userId = principal.kind === 'system' ? null : principal.userId;
  await sql`select auth.open_scope(${role}, ${userId}::uuid, ${principal.organizationId}::uuid)`.execute(db);
}

async function runEffects(effects: readonly (() => void | Promise<void>)[], log: Log): Promise<void> {
  for (const run of effects) {
    try {
      await run();
    } catch (error) {
      log.error({ err: error }, 'an effect after a commit failed');
    }
  }
}
