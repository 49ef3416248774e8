import { type ForkOptions, fork } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { PGlite } from '@electric-sql/pglite';
import { type Dialect, type Driver, Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Log } from '../log/log.ts';
import { beginWithFirst } from './begin-with-first.ts';
import { typeParsers } from './parsers.ts';
import { createPgliteDialect } from './pglite-dialect.ts';
import { PreparingClient } from './prepare.ts';
import { refuseFailedCommits } from './refuse-failed-commits.ts';
import { createSilenceWatch } from './silence-watch.ts';
import { createSlowStatements, type SlowStatement } from './slow-statements.ts';
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
  /** The statements that took long since this was last called. */
  takeSlowStatements(): SlowStatement[];
  close(): Promise<void>;
}

interface PostgresOptions {
  connectionString: string;
  log: Log;
  maxConnections?: number;
}

const statementTimeoutMs = 30_000;

/** Opens a pool on PostgreSQL. Nothing is connected yet: an unreachable server shows at the first query. */
export function openPostgres({ connectionString, log, maxConnections = 10 }: PostgresOptions): Database {
  const silence = createSilenceWatch({ connectionString, log, hopelessMs: statementTimeoutMs + 5_000 });
  const pool = new pg.Pool({
    Client: PreparingClient,
    connectionString,
    stream: () => silence.openSocket(),
    max: maxConnections,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: 30_000,
    keepAlive: true,
    application_name: 'almanac',
    types: { getTypeParser: getPgTypeParser },
  });
  const report = (error: Error) => log.warn({ err: error }, 'a database connection was lost');
  pool.on('error', report);
  pool.on('connect', (client) => client.on('error', report));
  const dialect = withDriver(new PostgresDialect({ pool }), (driver) => refuseFailedCommits(beginWithFirst(driver)));
  const slow = createSlowStatements();
  const root = new Kysely<Tables>({ dialect, log: slow.note });
  return {
    root,
    takeSlowStatements: slow.take,
    pglite: undefined,
    connectionString,
    poolUse: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: async () => {
      silence.close();
      await root.destroy();
    },
  };
}

function withDriver(dialect: Dialect, change: (driver: Driver) => Driver): Dialect {
  return {
    createAdapter: () => dialect.createAdapter(),
    createDriver: () => change(dialect.createDriver()),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
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

/** Half of PostgreSQL's default: the memory of a process that tries the product out stays under 450 MB. */
const sharedBuffers = '64MB';

/** Opens the embedded PGlite under the data folder, or in memory. */
export async function openEmbedded({ dataDir, image }: EmbeddedOptions): Promise<Database> {
  const folder = dataDir === undefined ? undefined : join(dataDir, 'pglite');
  if (folder && !existsSync(join(folder, 'PG_VERSION'))) await createDataFolder(folder);
  // Loaded only where it is what runs: a process on PostgreSQL does without its memory.
  const { PGlite } = await import('@electric-sql/pglite');
  const pglite = await PGlite.create({
    ...(folder ? { dataDir: folder } : {}),
    ...(image ? { loadDataDir: image } : {}),
    parsers: { ...typeParsers },
    relaxedDurability: false,
    startParams: [...PGlite.defaultStartParams, '-c', `shared_buffers=${sharedBuffers}`],
  });
  const slow = createSlowStatements();
  const root = new Kysely<Tables>({
    dialect: withDriver(createPgliteDialect(pglite), refuseFailedCommits),
    log: slow.note,
  });
  return {
    root,
    takeSlowStatements: slow.take,
    pglite,
    connectionString: undefined,
    poolUse: () => ({ total: 1, idle: 1, waiting: 0 }),
    close: async () => {
      await root.destroy();
      await pglite.close();
    },
  };
}

/** Makes the files of a new database in a process of its own, whose memory (some 200 MB) ends with it. */
async function createDataFolder(folder: string): Promise<void> {
  // Made beside its place and moved there whole, so that a start that is cut off leaves no half of a database.
  const draft = `${folder}.new`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true, mode: 0o700 });
  // Without the options of this process, which may be a program's own, such as `--eval`.
  const options: ForkOptions = { stdio: 'inherit', execArgv: [] };
  const maker = fork(new URL('./create-data-folder.ts', import.meta.url), [draft], options);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  maker.once('error', reject);
  maker.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`No database could be made in ${folder}.`))));
  await promise;
  rmSync(folder, { recursive: true, force: true });
  renameSync(draft, folder);
}
