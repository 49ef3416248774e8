import { sql, type Transaction } from 'kysely';
import { type Principal, systemPrincipal } from '../access/principal.ts';
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
  /**
   * Runs once the commit stands, and also where the connection broke while committing, so that nobody knows whether it
   * does: for what is harmless after a rollback, such as forgetting what is cached.
   */
  afterPossibleCommit(run: () => void | Promise<void>): void;
}

/**
 * A transaction on accounts, organizations, their members and what else belongs to no single organization. Row security
 * narrows nothing here: the policies of this role are `using (true)`, so each statement names the organization or the
 * account that it is about, and that one sees no other's rests on the statements and their tests.
 */
export interface InstanceTx {
  readonly [instanceScope]: true;
  readonly db: Transaction<Tables>;
  /**
   * Works in an organization as the system, in this same transaction: for what has to happen there and here, or nowhere.
   * A failure of the work is one of the whole transaction.
   */
  inOrganization<T>(organizationId: string, work: (tx: OrganizationTx) => Promise<T>): Promise<T>;
}

export interface OrganizationOptions {
  /** Makes the work happen once for an Idempotency-Key: a repeated call gets the first one's result. */
  once?: IdempotentCall | undefined;
  /** With it every statement sees the database as the first one did; what writes may then have to run again. */
  isolation?: 'repeatable read' | undefined;
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
  /** Runs the work in one transaction, then what it left to do after the commit. */
  const transact = <T>(
    work: (db: Transaction<Tables>, effects: Effect[]) => Promise<T>,
    isolation?: OrganizationOptions['isolation'],
  ): Promise<T> =>
    attempt(async () => {
      const effects: Effect[] = [];
      let isCommitting = false;
      try {
        const result = await begin(database.root, isolation).execute(async (db) => {
          const done = await work(db, effects);
          isCommitting = true;
          return done;
        });
        await runEffects(effects, log);
        return result;
      } catch (error) {
        if (isCommitting && isConnectionFault(error)) await runEffects(effects.filter(isSafeAlways), log);
        throw error;
      }
    });
  return {
    inOrganization: (principal, work, { once, isolation } = {}) =>
      transact((db, effects) => runInOrganization({ db, principal, effects, once }, work), isolation),
    inInstance: (work) =>
      transact(async (db, effects) => {
        await sql`select set_config('role', 'almanac_instance', true)`.execute(db);
        return work(createInstanceTx(db, effects));
      }),
  };
}

function begin(root: Database['root'], isolation: OrganizationOptions['isolation']) {
  const transaction = root.transaction();
  return isolation ? transaction.setIsolationLevel(isolation) : transaction;
}

function createInstanceTx(db: Transaction<Tables>, effects: Effect[]): InstanceTx {
  return {
    db,
    inOrganization: async (organizationId, work) => {
      // Only the owner may open a scope.
      await sql`select set_config('role', 'none', true)`.execute(db);
      const principal = systemPrincipal(organizationId);
      const result = await runInOrganization({ db, principal, effects, once: undefined }, work);
      await sql`
        select set_config('role', 'almanac_instance', true), set_config('almanac.scope', '', true)`.execute(db);
      return result;
    },
  } as InstanceTx;
}

/** What is left to do after a transaction. */
interface Effect {
  readonly run: () => void | Promise<void>;
  /** True where it does no harm after a rollback. */
  readonly isSafeAlways: boolean;
}

const isSafeAlways = (effect: Effect) => effect.isSafeAlways;

interface OpenWork {
  db: Transaction<Tables>;
  principal: Principal;
  effects: Effect[];
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
    afterCommit: (run: Effect['run']) => void effects.push({ run, isSafeAlways: false }),
    afterPossibleCommit: (run: Effect['run']) => void effects.push({ run, isSafeAlways: true }),
  } as OrganizationTx;
  const result = await (once ? runOnce(tx, once, work) : work(tx));
  for (const run of last) await run();
  return result;
}

async function openScope(db: Transaction<Tables>, principal: Principal): Promise<void> {
  const role = principal.kind === 'system' ? 'almanac_system' : 'almanac_app';
  const userId = principal.kind === 'system' ? null : principal.userId;
  // Without parameters, so that it goes to the server together with the BEGIN.
  await sql`
    select auth.open_scope(${sql.lit(role)}, ${sql.lit(userId)}::uuid, ${sql.lit(principal.organizationId)}::uuid)`.execute(
    db,
  );
}

async function runEffects(effects: readonly Effect[], log: Log): Promise<void> {
  for (const { run } of effects) {
    try {
      await run();
    } catch (error) {
      log.error({ err: error }, 'an effect after a commit failed');
    }
  }
}
