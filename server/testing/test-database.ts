import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { sql } from 'kysely';
import pg from 'pg';
import { inject } from 'vitest';
import { type Database, openEmbedded, openPostgres } from '#platform/db/database.ts';
import { createLog } from '#platform/log/log.ts';

let image: Blob | undefined;

/**
 * Opens a migrated, empty database of the caller's own: a copy of the prepared image in memory, or of the template on the
 * PostgreSQL server that TEST_DATABASE_URL names. What is left on the server is dropped when the run ends.
 */
export async function openTestDatabase(): Promise<Database> {
  const template = inject('templateDatabase');
  if (template) return openOnServer(template);
  image ??= new Blob([await readFile(inject('databaseImage'))]);
  return openEmbedded({ image });
}

let shared: Promise<Database> | undefined;

/** The migrated database that the test files of a worker share; it ends with the worker. Its administrator is nobody. */
export function shareTestDatabase(): Promise<Database> {
  shared ??= openTestDatabase().then(async (database) => {
    // The first account of an installation administers it: that of a test is never the first one here.
    await sql`insert into users (id, email, name, is_instance_admin)
      values (gen_random_uuid(), 'administrator@almanac.invalid', 'Administrator', true)`.execute(database.root);
    return database;
  });
  return shared;
}

/** Opens a database without a table, in the same places. */
export function openBlankDatabase(): Promise<Database> {
  return inject('templateDatabase') ? openOnServer('template1') : openEmbedded({});
}

async function openOnServer(template: string): Promise<Database> {
  const serverUrl = process.env.TEST_DATABASE_URL ?? '';
  const prefix = inject('templateDatabase')?.replace(/_template$/, '');
  const name = `${prefix}_${randomBytes(6).toString('hex')}`;
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  await client.query(`create database ${name} template ${template}`);
  await client.end();
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return openPostgres({ connectionString: url.href, log: createLog({ level: 'silent' }) });
}
