import { sql } from 'kysely';
import { withOwnerRights } from '../db/owner-rights.ts';
import type { InstanceTx } from '../db/scopes.ts';
import { mentionOf } from '../privacy/mention-of.ts';
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

/** Where the platform writes down what came of runs: what names the person is taken out of each. */
const toldColumns = [
  { table: 'scheduled_job_logs', column: 'result', type: 'jsonb' },
  { table: 'scheduled_job_logs', column: 'error', type: 'text' },
  { table: 'system_alerts', column: 'message', type: 'text' },
] as const;

/** Runs of jobs that name the person, and what is written down of them that does. */
export const personalRuns: PersonalData<RunRow> = {
  section: 'jobs',
  covers: [
    ...columnsOf(`${queueSchema}.job`, ['data', 'output']),
    'system_alerts.subject',
    ...toldColumns.flatMap(({ table, column }) => columnsOf(table, [column])),
  ],
  list: (tx, { userId }, { after, limit }) =>
    withOwnerRights(tx, async (db) => {
      const { rows } = await sql<RunRow>`
        select id, name, state::text, data, created_on from ${jobTable}
        where position(${userId} in data::text) > 0 and ${after ? sql`id > ${after.id}::uuid` : sql`true`}
        order by id limit ${limit}`.execute(db);
      return rows;
    }),
  erase: (tx, { userId, email, isEmailVerified }) =>
    withOwnerRights(tx, async (db) => {
      // As a plain text has the address, and as JSON writes it.
      const mention = [userId, mentionOf(email), mentionOf(JSON.stringify(email).slice(1, -1))].join('|');
      // What is still to be done for an address that nobody has confirmed may be for somebody else.
      const own = isEmailVerified ? mention : userId;
      // One that is under way ends by itself, and its row goes within the hour.
      await sql`
        delete from ${jobTable} where state <> 'active' and concat_ws(' ', data::text, output::text) ~* ${own}`.execute(
        db,
      );
      // Not reworded: of one kind and subject there is one open alert, and the next person's would be the second.
      await sql`delete from system_alerts where subject ~* ${mention}`.execute(db);
      for (const { table, column, type } of toldColumns) {
        const told = sql`${sql.ref(column)}::text`;
        await sql`
          update ${sql.table(table)}
          set ${sql.ref(column)} = regexp_replace(${told}, ${mention}, 'erased', 'gi')::${sql.raw(type)}
          where ${told} ~* ${mention}`.execute(db);
      }
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
