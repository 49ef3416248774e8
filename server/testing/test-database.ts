import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { inject } from 'vitest';
import { type Database, openEmbedded, openPostgres } from '#platform/db/database.ts';
import { createLog } from '#platform/log/log.ts';

/**
 * Opens a migrated, empty database of the caller's own: a copy of the prepared image in memory, or of the template on the
 * PostgreSQL server that TEST_DATABASE_URL names. What is left on the server is dropped when the run ends.
 */
export async function openTestDatabase(): Promise<Database> {
  const template = inject('templateDatabase');
  if (template) return openOnServer(template);
  return openEmbedded({ image: new Blob([await readFile(inject('databaseImage'))]) });
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
