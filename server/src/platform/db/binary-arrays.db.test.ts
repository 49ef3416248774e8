import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase } from '#testing/test-database.ts';
import { int4Array, timestamptzArray, uuidArray } from './binary-arrays.ts';
import type { Database } from './database.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const rows = fc.array(
  fc.record({
    id: fc.uuid(),
    place: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    // The years 1717 to 2255.
    at: fc.integer({ min: -8_000_000_000_000_000, max: Number.MAX_SAFE_INTEGER }),
  }),
  { maxLength: 50 },
);

test('What is sent as a binary array is what the database reads', async () => {
  await fc.assert(
    fc.asyncProperty(rows, fc.boolean(), async (sent, isUpper) => {
      const ids = uuidArray(sent.map(({ id }) => (isUpper ? id.toUpperCase() : id)));
      const places = int4Array(sent.map(({ place }) => place));
      const times = timestamptzArray(sent.map(({ at }) => at));
      const read = await sql<{ id: string; place: number; at: string }>`
        select id, place, (extract(epoch from at) * 1000000)::bigint::text as at
        from unnest(${ids}::uuid[], ${places}::int4[], ${times}::timestamptz[]) with ordinality as s (id, place, at, n)
        order by n`.execute(database.root);
      expect(read.rows.map(({ at, ...rest }) => ({ ...rest, at: Number(at) }))).toEqual(sent);
    }),
  );
});
