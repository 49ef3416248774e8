import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Log } from '../log/log.ts';
import { typeParsers } from './parsers.ts';
import { createPgliteDialect } from './pglite-dialect.ts';
import type { Tables } from './tables.ts';

/** The owner's handle. It stays inside the platform: features are given `inOrganization` and `inInstance` instead. */
export type RootHandle = Kysely<Tables>;

/** An open database. */
export interface Database {
  readonly root: RootHandle;
  /** The embedded instance, where that is what runs. */
  readonly pglite: PGlite | undefined;
  readonly connectionString: string | undefined;
  /** Connections by state; the embedded database has one. */
  poolUse(): { total: number; idle: number; waiting: number };
  close(): Promise<void>;
}

interface PostgresOptions {
  connectionString: string;
  log: Log;
  maxConnections?: number;
}

/** Opens a pool on PostgreSQL. Nothing is connected yet: an unreachable server shows at the first query. */
export function openPostgres({ connectionString, log, maxConnections = 10 }: PostgresOptions): Database {
  const pool = new pg.Pool({
    connectionString,
    max: maxConnections,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: 30_000,
    idle_in_transaction_session_timeout: 30_000,
    keepAlive: true,
    application_name: 'almanac',
    types: { getTypeParser: getPgTypeParser },
  });
  const report = (error: Error) => log.warn({ err: error }, 'a database connection was lost');
  pool.on('error', report);
  pool.on('connect', (client) => client.on('error', report));
  const root = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return {
    root,
    pglite: undefined,
    connectionString,
    poolUse: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => root.destroy(),
  };
}

function getPgTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  const own = typeParsers[oid];
  if (own && format !== 'binary') return own;
  return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text');
}

interface EmbeddedOptions {
  /** Folder of the database; without it the database lives in memory. */
  dataDir?: string;
  /** An image of a data folder to begin from, as `dumpDataDir` makes it. */
  image?: Blob;
}

/** Opens the embedded PGlite under the data folder, or in memory. */
export async function openEmbedded({ dataDir, image }: EmbeddedOptions): Promise<Database> {
  const folder = dataDir === undefined ? undefined : join(dataDir, 'pglite');
  if (folder) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const pglite = await PGlite.create({
    ...(folder ? { dataDir: folder } : {}),
    ...(image ? { loadDataDir: image } : {}),
    parsers: { ...typeParsers },
    relaxedDurability: false,
  });
  const root = new Kysely<Tables>({ dialect: createPgliteDialect(pglite) });
  return {
    root,
    pglite,
    connectionString: undefined,
    poolUse: () => ({ total: 1, idle: 1, waiting: 0 }),
    close: async () => {
      await root.destroy();
      await pglite.close();
    },
  };
}
