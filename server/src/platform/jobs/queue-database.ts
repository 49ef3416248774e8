import type { PGlite } from '@electric-sql/pglite';
import type { Transaction } from 'kysely';
import { fromKysely, type Db as QueueDatabase } from 'pg-boss';
import type { Tables } from '../db/tables.ts';

/**
 * The queue's way to the embedded database. Text of the form BEGIN … COMMIT runs as one transaction of PGlite's, so that
 * a failure in it is rolled back and the one connection is never left aborted, as pg-boss's own adapter can leave it.
 */
export function fromEmbedded(pglite: PGlite): QueueDatabase {
  return {
    async executeSql(text, values) {
      if (values && values.length > 0) return pglite.query(text, values);
      const body = /^\s*BEGIN\s*;?([\s\S]*?)COMMIT\s*;?\s*$/i.exec(text)?.[1];
      const results = body === undefined ? await pglite.exec(text) : await pglite.transaction((tx) => tx.exec(body));
      return { rows: (results ?? []).flatMap(({ rows }) => rows) };
    },
  };
}

/** The queue's way into a transaction of ours. */
export function inTransaction(db: Transaction<Tables>): { db: QueueDatabase } {
  return { db: fromKysely(db) };
}

/** The ids of the runs that a call of pg-boss settled: those whose claim still stood. */
export function settledIds(response: object): string[] {
  const ids = 'settled' in response ? response.settled : undefined;
  if (!Array.isArray(ids)) throw new Error('The job queue did not say which runs it settled.');
  return ids.map(String);
}
