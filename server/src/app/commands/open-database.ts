import { shapeConfig } from '#platform/config/config.ts';
import { readEnvironment } from '#platform/config/environment.ts';
import { lockDataDir } from '#platform/db/data-dir-lock.ts';
import { type Database, openEmbedded, openPostgres } from '#platform/db/database.ts';
import { migrate } from '#platform/db/migrate.ts';
import { createLog, type Log } from '#platform/log/log.ts';
import { explainDatabaseFault } from './explain-database-fault.ts';

/** Runs work on the configured database, opened for it alone and brought to the newest schema. */
export async function withDatabase<T>(work: (database: Database, log: Log) => Promise<T>): Promise<T> {
  const config = shapeConfig(readEnvironment());
  const log = createLog({ level: config.logLevel === 'info' ? 'warn' : config.logLevel });
  const lock = config.databaseUrl === undefined ? lockDataDir(config.dataDir) : undefined;
  const database =
    config.databaseUrl === undefined
      ? await openEmbedded({ dataDir: config.dataDir })
      : openPostgres({ connectionString: config.databaseUrl, log, maxConnections: 2 });
  try {
    await migrate({ root: database.root, log }).catch((error: unknown) => {
      throw config.databaseUrl === undefined ? error : explainDatabaseFault(error);
    });
    return await work(database, log);
  } finally {
    await database.close();
    lock?.close();
  }
}
