import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { type Database, openEmbedded, openPostgres } from '#platform/db/database.ts';
import { migrate, migrationsFolder } from '#platform/db/migrate.ts';
import { openQueue } from '#platform/jobs/queue.ts';
import { createLog } from '#platform/log/log.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** File of an image of a migrated, empty embedded database. */
    databaseImage: string;
    /** Name of a migrated, empty database to copy, on the server of TEST_DATABASE_URL; '' without one. */
    templateDatabase: string;
  }
}

const log = createLog({ level: 'silent' });
const cacheFolder = join(import.meta.dirname, '../../node_modules/.cache/almanac');

/** Prepares what each worker's database is copied from, so that the migrations run once for all test files. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const serverUrl = process.env.TEST_DATABASE_URL;
  provide('databaseImage', await makeImage());
  if (!serverUrl) {
    provide('templateDatabase', '');
    return async () => undefined;
  }
  const prefix = `almanac_test_${process.pid}`;
  const template = `${prefix}_template`;
  await runOnServer(serverUrl, [`create database ${template}`]);
  const url = new URL(serverUrl);
  url.pathname = `/${template}`;
  const database = openPostgres({ connectionString: url.href, log, maxConnections: 1 });
  await prepare(database);
  await database.close();
  provide('templateDatabase', template);
  return () => dropDatabases(serverUrl, prefix);
}

/** What an image rests on, beside the migrations. */
const sources = ['src/platform/db/protect-tables.ts', 'src/platform/jobs/queue.ts', 'package.json'];

/** The image of a migrated database, kept until what it rests on changes. */
async function makeImage(): Promise<string> {
  const migrations = (await readdir(migrationsFolder)).sort().map((name) => join(migrationsFolder, name));
  const hash = createHash('sha256');
  for (const file of [...migrations, ...sources.map((path) => join(import.meta.dirname, '..', path))]) {
    hash.update(await readFile(file));
  }
  const digest = hash.digest('hex').slice(0, 16);
  const path = join(cacheFolder, `database-${digest}.tar`);
  if (existsSync(path)) return path;
  const database = await openEmbedded({});
  await prepare(database);
  const image = await database.pglite?.dumpDataDir('none');
  await database.close();
  if (!image) throw new Error('The embedded database gave no image.');
  await mkdir(cacheFolder, { recursive: true });
  await writeFile(`${path}.${process.pid}`, Buffer.from(await image.arrayBuffer()));
  await rename(`${path}.${process.pid}`, path);
  return path;
}

/** Makes the tables of the product and those of the job queue. */
async function prepare(database: Database): Promise<void> {
  await migrate({ root: database.root, log });
  const boss = await openQueue({ database, log, runsWorkers: false });
  await boss.stop({ graceful: false });
}

async function dropDatabases(serverUrl: string, prefix: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  const { rows } = await client.query<{ datname: string }>(
    'select datname from pg_database where starts_with(datname, $1)',
    [prefix],
  );
  for (const { datname } of rows) await client.query(`drop database if exists ${datname} with (force)`);
  await client.end();
}

async function runOnServer(serverUrl: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}
