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
  const serverUrl = process.env.TEST_DATABASE_URL;
  const template = inject('templateDatabase');
  if (!serverUrl || !template) {
    return openEmbedded({ image: new Blob([await readFile(inject('databaseImage'))]) });
  }
  const name = `${template.replace(/_template$/, '')}_${randomBytes(6).toString('hex')}`;
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  await client.query(`create database ${name} template ${template}`);
  await client.end();
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return openPostgres({ connectionString: url.href, log: createLog({ level: 'silent' }) });
}
