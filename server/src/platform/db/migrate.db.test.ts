import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '#testing/test-database.ts';
import { createLog } from '../log/log.ts';
import type { Database } from './database.ts';
import { migrate, splitStatements } from './migrate.ts';

const log = createLog({ level: 'silent' });
const serverUrl = process.env.TEST_DATABASE_URL;
let database: Database;
let folder: string;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'migrations-'));
  await sql`drop table if exists first, second, third`.execute(database.root);
  await sql`delete from almanac_migrations`.execute(database.root);
  return () => rm(folder, { recursive: true });
});

const write = (name: string, body: string) => writeFile(join(folder, name), body);
const run = () => migrate({ root: database.root, log, folder });
const tables = async () => {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class where relname in ('first', 'second', 'third') order by 1`.execute(
    database.root,
  );
  return rows.map(({ name }) => name);
};

test('files are applied in the order of their names, once', async () => {
  await write('0002_second.sql', 'create table second (id int references first);');
  await write('0001_first.sql', 'create table first (id int primary key);');
  await write('notes.md', 'no SQL');
  expect(await run()).toEqual(['0001_first.sql', '0002_second.sql']);
  expect(await run()).toEqual([]);
  await write('0003_third.sql', 'create table third (organization_id uuid not null);');
  expect(await run()).toEqual(['0003_third.sql']);
});

test('a file that fails leaves the database as it was, and is named', async () => {
  await write('0001_first.sql', 'create table first (id int);');
  await write('0002_second.sql', 'create table second (id int);\nselect nonsense;');
  await expect(run()).rejects.toThrow(/0002_second\.sql.*nonsense/);
  expect(await tables()).toEqual([]);
  await write('0002_second.sql', 'create table second (id int);');
  expect(await run()).toEqual(['0001_first.sql', '0002_second.sql']);
});

test('a file that was applied and changed since is refused', async () => {
  await write('0001_first.sql', 'create table first (id int);');
  await run();
  await write('0001_first.sql', 'create table first (id bigint);');
  await write('0002_second.sql', 'create table second (id int);');
  await expect(run()).rejects.toThrow(/0001_first\.sql was applied and has changed since/);
  expect(await tables()).toEqual(['first']);
});

test('a new table of an organization is protected without being told to', async () => {
  await write('0001_third.sql', 'create table third (organization_id uuid not null, note text);');
  await run();
  const { rows } = await sql`
    select relrowsecurity as secured, (select count(*) from pg_policy p where p.polrelid = c.oid) as policies
    from pg_class c where relname = 'third'`.execute(database.root);
  expect(rows).toEqual([{ secured: true, policies: 2 }]);
});

test('a file is split at the ends of its statements', () => {
  const body =
    "-- one; two\nselect 1;\n\ncreate function f() returns int language plpgsql as $$\nbegin\n  return 1;\nend\n$$;\nselect ';' as a,\n  2; -- three\nselect 3";
  expect(splitStatements(body)).toEqual([
    'select 1;',
    'create function f() returns int language plpgsql as $$\nbegin\n  return 1;\nend\n$$;',
    "select ';' as a,\n  2; -- three",
    'select 3',
  ]);
});

describe.skipIf(!serverUrl)('On PostgreSQL', () => {
  test('of processes that start at once one migrates and the others wait', async () => {
    const name = `almanac_migrate_${randomBytes(6).toString('hex')}`;
    const client = new pg.Client({ connectionString: serverUrl });
    await client.connect();
    await client.query(`create database ${name}`);
    const url = new URL(serverUrl ?? '');
    url.pathname = `/${name}`;
    const main = join(import.meta.dirname, '../../main.ts');
    const processes = [1, 2, 3].map(() =>
      spawn(process.execPath, [main, 'migrate'], {
        env: { ...process.env, DATABASE_URL: url.href, DATA_DIR: folder },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    const outcomes = await Promise.all(
      processes.map(async (child) => {
        const [[code], errors] = await Promise.all([once(child, 'exit'), text(child.stderr)]);
        return { code, errors };
      }),
    );
    expect(outcomes).toEqual([1, 2, 3].map(() => ({ code: 0, errors: '' })));
    await client.query(`drop database ${name} with (force)`);
    await client.end();
  });
});
