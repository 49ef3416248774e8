import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestDatabase } from '#testing/test-database.ts';
import type { Database } from './database.ts';

const serverUrl = process.env.TEST_DATABASE_URL;
let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
  await sql`create table kept (note text)`.execute(database.root);
});
afterAll(() => database.close());

const isInTransaction = sql<{ is_open: boolean }>`select now() <> statement_timestamp() as is_open`;
const put = (note: string) => sql`insert into kept values (${note})`;
const list = async () =>
  (await sql<{ note: string }>`select note from kept order by 1`.execute(database.root)).rows.map(({ note }) => note);

describe.skipIf(!serverUrl)('A transaction on a server', () => {
  test.each([
    ['without parameters', sql`insert into kept values ('first')`],
    ['with parameters', put('first')],
  ])('begins with its first statement, one %s, and is whole or nothing', async (_, first) => {
    await sql`truncate kept`.execute(database.root);
    const failing = database.root.transaction().execute(async (db) => {
      await first.execute(db);
      await put('second').execute(db);
      expect((await isInTransaction.execute(db)).rows).toEqual([{ is_open: true }]);
      throw new Error('given up');
    });
    await expect(failing).rejects.toThrow('given up');
    expect(await list()).toEqual([]);
    await database.root.transaction().execute(async (db) => {
      await first.execute(db);
      await put('second').execute(db);
    });
    expect(await list()).toEqual(['first', 'second']);
  });

  test('that has no statement is none, and what follows on its connection is not in one', async () => {
    await database.root.connection().execute(async (db) => {
      await db.transaction().execute(async () => undefined);
      await expect(db.transaction().execute(() => Promise.reject(new Error('given up')))).rejects.toThrow('given up');
      const { rows } = await sql<{ opened: number }>`
        select count(*)::int as opened from pg_stat_activity where pid = pg_backend_pid() and xact_start < query_start`.execute(
        db,
      );
      expect(rows).toEqual([{ opened: 0 }]);
    });
  });

  test.each([sql`select 1 / 0`, sql`select nonsense(`, sql`select 1 / ${0}::int`])(
    'whose first statement fails is over, and leaves a sound connection',
    async (failing) => {
      await database.root.connection().execute(async (db) => {
        await expect(db.transaction().execute((tx) => failing.execute(tx))).rejects.toThrow();
        expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }]);
        await db.transaction().execute((tx) => put('after').execute(tx));
      });
      expect(await list()).toContain('after');
    },
  );
});
