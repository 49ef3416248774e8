import { sql } from 'kysely';
import { withOwnerRights } from '../db/owner-rights.ts';
import type { InstanceTx } from '../db/scopes.ts';
import { columnsOf, type PersonalData } from '../privacy/personal-data.ts';
import { countFanOut } from './job-log.ts';
import { queueSchema } from './queue.ts';

const jobTable = sql.id(queueSchema, 'job');

interface RunRow {
  id: string;
  name: string;
  state: string;
  data: unknown;
  created_on: Date;
}

/** Runs of jobs that name the person, and what is written down of failures that do. */
export const personalRuns: PersonalData<RunRow> = {
  section: 'jobs',
  covers: [
    ...columnsOf(`${queueSchema}.job`, ['data', 'output']),
    ...columnsOf('scheduled_job_logs', ['result', 'error']),
    ...columnsOf('system_alerts', ['subject', 'message']),
  ],
  list: (tx, { userId }, { after, limit }) =>
    withOwnerRights(tx, async (db) => {
      const { rows } = await sql<RunRow>`
        select id, name, state::text, data, created_on from ${jobTable}
        where position(${userId} in data::text) > 0 and ${after ? sql`id > ${after.id}::uuid` : sql`true`}
        order by id limit ${limit}`.execute(db);
      return rows;
    }),
  erase: (tx, { userId, email }) =>
    withOwnerRights(tx, async (db) => {
      // One that is under way ends by itself, and its row goes within the hour.
      await sql`
        delete from ${jobTable} where state <> 'active'
          and position(${userId} in concat_ws(' ', data::text, output::text)) > 0`.execute(db);
      const told = (column: string) =>
        sql`replace(replace(${sql.ref(column)}, ${userId}, 'erased'), ${email}, 'erased')`;
      const isNamed = (column: string) =>
        sql`position(${userId} in ${sql.ref(column)}) > 0 or position(${email} in ${sql.ref(column)}) > 0`;
      await sql`update scheduled_job_logs set error = ${told('error')} where ${isNamed('error')}`.execute(db);
      await sql`update system_alerts set message = ${told('message')} where ${isNamed('message')}`.execute(db);
    }),
};

/**
 * Takes the runs of organizations that are no more out of the queue. Those that a run fanned out to count as done in it, so
 * that it ends.
 */
export async function forgetRunsOf(tx: InstanceTx, organizationIds: readonly string[], now: Date): Promise<void> {
  if (organizationIds.length === 0) return;
  await withOwnerRights(tx, async (db) => {
    const { rows } = await sql<{ parent_id: string | null; runs: number }>`
      with gone as (
        delete from ${jobTable} where singleton_key = any(${[...organizationIds]}::text[]) and state < 'active'
        returning data ->> 'parentId' as parent_id
      )
      select parent_id, count(*)::int as runs from gone group by parent_id order by parent_id`.execute(db);
    for (const { parent_id: parentId, runs } of rows) {
      if (parentId === null) continue;
      await countFanOut(db, { parentId, done: runs, succeeded: 0, idle: runs, failed: 0 }, now);
    }
  });
}
