import type { PGlite, Transaction } from '@electric-sql/pglite';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';

/**
 * Kysely on embedded PGlite, safe for concurrent callers. Kysely's own dialect hands one shared connection to all, so a
 * query made beside an open transaction runs inside it; here each caller has its own, and waits for the open transaction.
 */
export function createPgliteDialect(pglite: PGlite): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => createDriver(pglite),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

interface OpenTransaction {
  tx: Transaction;
  settle: (outcome: 'commit' | 'rollback') => Promise<void>;
}

interface PgliteConnection extends DatabaseConnection {
  open: OpenTransaction | undefined;
}

function createDriver(pglite: PGlite): Driver {
  return {
    init: () => pglite.waitReady,
    acquireConnection: async () => createConnection(pglite),
    beginTransaction: async (connection, { isolationLevel, accessMode }) => {
      const open = await openTransaction(pglite);
      (connection as PgliteConnection).open = open;
      if (isolationLevel) await open.tx.exec(`set transaction isolation level ${isolationLevel}`);
      if (accessMode) await open.tx.exec(`set transaction ${accessMode}`);
    },
    commitTransaction: (connection) => settle(connection as PgliteConnection, 'commit'),
    rollbackTransaction: (connection) => settle(connection as PgliteConnection, 'rollback'),
    releaseConnection: async () => {},
    destroy: async () => {},
  };
}

function createConnection(pglite: PGlite): PgliteConnection {
  const connection: PgliteConnection = {
    open: undefined,
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      const runner = connection.open?.tx ?? pglite;
      const { rows, affectedRows } = await runner.query<R>(query.sql, [...query.parameters]);
      return affectedRows === undefined ? { rows } : { rows, numAffectedRows: BigInt(affectedRows) };
    },
    // biome-ignore lint/correctness/useYield: PGlite has no cursor protocol; callers page by key instead.
    async *streamQuery() {
      throw new Error('The embedded database does not stream: read in pages by key.');
    },
  };
  return connection;
}

const rollbackAsked = Symbol('rollback');

async function openTransaction(pglite: PGlite): Promise<OpenTransaction> {
  const begun = Promise.withResolvers<Transaction>();
  const ending = Promise.withResolvers<'commit' | 'rollback'>();
  const closed = pglite.transaction(async (tx) => {
    begun.resolve(tx);
    if ((await ending.promise) === 'rollback') throw rollbackAsked;
  });
  closed.catch(begun.reject);
  const tx = await begun.promise;
  const settleOpen = async (outcome: 'commit' | 'rollback') => {
    ending.resolve(outcome);
    await closed.catch((error: unknown) => {
      if (error !== rollbackAsked) throw error;
    });
  };
  return { tx, settle: settleOpen };
}

async function settle(connection: PgliteConnection, outcome: 'commit' | 'rollback'): Promise<void> {
  const open = connection.open;
  connection.open = undefined;
  await open?.settle(outcome);
}
