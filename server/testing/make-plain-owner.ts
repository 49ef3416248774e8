import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { type Database, openPostgres } from '#platform/db/database.ts';
import { migrate } from '#platform/db/migrate.ts';
import { createLog } from '#platform/log/log.ts';

/** Makes a migrated database whose owner is no superuser, but may make databases and roles; `drop` removes both. */
export async function openPlainlyOwned(serverUrl: string): Promise<{ database: Database; drop(): Promise<void> }> {
  const name = `almanac_owner_${randomBytes(6).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  const run = async (statement: string) => {
    const client = new pg.Client({ connectionString: serverUrl });
    await client.connect();
    await client.query(statement);
    await client.end();
  };
  await run(`create role ${name} login createdb createrole nosuperuser password '${password}'`);
  await run(`create database ${name} owner ${name}`);
  const url = new URL(serverUrl);
  Object.assign(url, { username: name, password, pathname: `/${name}` });
  const log = createLog({ level: 'silent' });
  const database = openPostgres({ connectionString: url.href, log });
  await migrate({ root: database.root, log });
  return {
    database,
    drop: async () => {
      await run(`drop database ${name} with (force)`);
      await run(`drop role ${name}`);
    },
  };
}
