import { sql } from 'kysely';
import { PgBoss } from 'pg-boss';
import { createRareWarning } from '../bus/rare-warning.ts';
import type { Database, RootHandle } from '../db/database.ts';
import type { Log } from '../log/log.ts';
import { fromEmbedded } from './queue-database.ts';

/** The name of pg-boss's schema. */
export const queueSchema = 'pgboss';

/** A worker that has not been heard of for this long has lost its runs. */
export const leaseSeconds = 30;

interface OpenOptions {
  database: Database;
  log: Log;
  /** Workers also look after the queue: lost runs, old rows. */
  runsWorkers: boolean;
}

/** Opens pg-boss on the database: its tables are made or brought up to date, its own scheduling stays off. */
export async function openQueue({ database, log, runsWorkers }: OpenOptions): Promise<PgBoss> {
  const { pglite, connectionString } = database;
  const boss = new PgBoss({
    ...(pglite
      ? { db: fromEmbedded(pglite), backend: 'pglite' }
      : { connectionString: connectionString ?? '', max: 3 }),
    application_name: 'almanac jobs',
    schema: queueSchema,
    schedule: false,
    supervise: runsWorkers,
    superviseIntervalSeconds: leaseSeconds,
    monitorIntervalSeconds: leaseSeconds,
    maintenanceIntervalSeconds: 3_600,
    queueCacheIntervalSeconds: 3_600,
    flowIntervalSeconds: 86_400,
    bamIntervalSeconds: 3_600,
    monitorVacuum: false,
    reindex: !pglite,
  });
  boss.on('error', createErrorReport(log));
  await boss.start();
  await createWaitingIndex(database.root);
  return boss;
}

/** What an enqueueing transaction looks up: the run of its key that has not begun. Of several processes one makes it. */
async function createWaitingIndex(root: RootHandle): Promise<void> {
  await root.transaction().execute(async (db) => {
    await sql`select pg_advisory_xact_lock(hashtext('almanac job queue'))`.execute(db);
    await sql`
      create index if not exists almanac_waiting_idx on ${sql.id(queueSchema)}.job (name, singleton_key)
      where state = 'created'`.execute(db);
  });
}

/** Makes the queues that are not there yet, and warms pg-boss's cache of them: see `warm`. */
export async function createQueues(boss: PgBoss, names: readonly string[]): Promise<void> {
  const known = new Set((await boss.getQueues()).map(({ name }) => name));
  for (const name of names) {
    if (known.has(name)) continue;
    await boss.createQueue(name, { policy: 'singleton', heartbeatSeconds: leaseSeconds });
    await warm(boss, name);
  }
}

/**
 * pg-boss looks a queue up on its own connection at the first use. Inside a transaction on the embedded database, which
 * has only one, that would wait for itself for ever.
 */
async function warm(boss: PgBoss, name: string): Promise<void> {
  await boss.findJobs(name, { id: '00000000-0000-0000-0000-000000000000' });
}

/** Logs each kind of error at most once a minute; an outage of the database repeats itself every few seconds. */
function createErrorReport(log: Log): (error: unknown) => void {
  const warnings = new Map<string, ReturnType<typeof createRareWarning>>();
  return (error) => {
    const kind = error instanceof Error && 'code' in error ? String(error.code) : 'other';
    let warn = warnings.get(kind);
    if (!warn) {
      warn = createRareWarning(log);
      warnings.set(kind, warn);
    }
    warn({ err: error }, 'the job queue reported a fault');
  };
}
