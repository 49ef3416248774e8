import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql, type Transaction } from 'kysely';
import { configurationProblem } from '../config/environment.ts';
import type { Log } from '../log/log.ts';
import type { RootHandle } from './database.ts';
import { isConnectionFault } from './faults.ts';
import { protectTables } from './protect-tables.ts';
import type { Tables } from './tables.ts';

/** The folder of the product's migrations. */
export const migrationsFolder = join(import.meta.dirname, '../../../migrations');

interface Migration {
  name: string;
  text: string;
  checksum: string;
}

interface MigrateOptions {
  root: RootHandle;
  log: Log;
  folder?: string;
}

/**
 * Brings the database to the newest schema: plain SQL files in the order of their names, forward only, under a lock so
 * that of several starting processes one works and the others wait. All of it is one transaction: a failing file leaves
 * the database as it was. Throws when a file that was applied has been changed since.
 * Answers the names of the files applied.
 */
export async function migrate({ root, log, folder = migrationsFolder }: MigrateOptions): Promise<string[]> {
  const migrations = await readMigrations(folder);
  const applied = await root.transaction().execute(async (db) => {
    // Waiting for another process, or changing a large table, may take longer than any request's statement.
    await sql`set local statement_timeout = 0`.execute(db);
    await checkServer(db);
    await sql`select pg_advisory_xact_lock(hashtext('almanac migrations'))`.execute(db);
    const missing = await findMissing(db, migrations);
    for (const migration of missing) await apply(db, migration);
    if (missing.length > 0) await protectTables(db);
    return missing.map(({ name }) => name);
  });
  if (applied.length > 0) log.info({ migrations: applied }, 'the database schema was brought up to date');
  return applied;
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), 'utf8');
      return { name, text, checksum: createHash('sha256').update(text).digest('hex') };
    }),
  );
}

const oldestServer = 15;

async function checkServer(db: Transaction<Tables>): Promise<void> {
  const { rows } = await sql<{ server_version_num: string }>`show server_version_num`.execute(db);
  const version = Math.floor(Number(rows[0]?.server_version_num) / 10_000);
  if (version < oldestServer) {
    throw configurationProblem(`DATABASE_URL names a PostgreSQL ${version}: ${oldestServer} or newer is needed.`);
  }
}

async function findMissing(db: Transaction<Tables>, migrations: readonly Migration[]): Promise<Migration[]> {
  await sql`
    create table if not exists almanac_migrations (
      name text primary key, checksum text not null, applied_at timestamptz not null default now()
    )`.execute(db);
  const { rows } = await sql<{ name: string; checksum: string }>`select name, checksum from almanac_migrations`.execute(
    db,
  );
  const known = new Map(rows.map((row) => [row.name, row.checksum]));
  for (const { name, checksum } of migrations) {
    const applied = known.get(name);
    if (applied !== undefined && applied !== checksum) {
      throw configurationProblem(
        `The migration ${name} was applied and has changed since: put the file back, and add a new one instead.`,
      );
    }
  }
  return migrations.filter(({ name }) => !known.has(name));
}

async function apply(db: Transaction<Tables>, { name, text, checksum }: Migration): Promise<void> {
  try {
    for (const statement of splitStatements(text)) await sql.raw(statement).execute(db);
  } catch (error) {
    if (isConnectionFault(error)) throw error;
    throw new Error(`The migration ${name} failed: ${(error as Error).message}`, { cause: error });
  }
  await sql`insert into almanac_migrations (name, checksum) values (${name}, ${checksum})`.execute(db);
}

/** Splits a file into statements at the semicolons that stand at a line's end, outside dollar-quoted bodies. */
export function splitStatements(text: string): string[] {
  const statements: string[] = [];
  let current = '';
  let isQuoted = false;
  for (const line of text.split('\n')) {
    if (!isQuoted && /^\s*(--.*)?$/.test(line)) continue;
    current += `${line}\n`;
    if ((line.split('$$').length - 1) % 2 === 1) isQuoted = !isQuoted;
    if (!isQuoted && /;\s*(--.*)?$/.test(line)) {
      statements.push(current.trim());
      current = '';
    }
  }
  return current.trim() === '' ? statements : [...statements, current.trim()];
}
