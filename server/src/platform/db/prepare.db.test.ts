import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestDatabase } from '#testing/test-database.ts';
import type { Database } from './database.ts';
import { prepared } from './prepare.ts';

const serverUrl = process.env.TEST_DATABASE_URL;
let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
  await sql`create table counted (n int)`.execute(database.root);
});
afterAll(() => database.close());

const countTo = (most: number) => sql<{ n: number }>`${prepared}
  select count(*) as n from generate_series(1, ${most}::int)`;

test('A marked statement answers like any other, each time with its own parameters', async () => {
  for (const most of [3, 0, 12]) {
    expect((await countTo(most).execute(database.root)).rows).toEqual([{ n: most }]);
  }
});

describe.skipIf(!serverUrl)('On a server a marked statement', () => {
  test('is parsed once on a connection, however often it is asked', async () => {
    await database.root.connection().execute(async (db) => {
      for (let most = 0; most < 7; most += 1) await countTo(most).execute(db);
      const { rows } = await sql<{ times: number; is_asked: boolean }>`
        select count(*) as times, min(generic_plans + custom_plans) >= 7 as is_asked from pg_prepared_statements
        where statement like '%generate_series(1, $1::int)%'`.execute(db);
      expect(rows).toEqual([{ times: 1, is_asked: true }]);
    });
  });

  test('goes on after its table has changed, and after it has failed', async () => {
    const count = (least: number) => sql<{ n: number }>`${prepared}
      select count(*) as n from counted where n / ${least}::int >= 0`;
    await database.root.connection().execute(async (db) => {
      await sql`insert into counted values (1)`.execute(db);
      expect((await count(1).execute(db)).rows).toEqual([{ n: 1 }]);
      await expect(count(0).execute(db)).rejects.toThrow('division by zero');
      await sql`alter table counted add column note text`.execute(db);
      expect((await count(1).execute(db)).rows).toEqual([{ n: 1 }]);
    });
  });
});
