import { sql } from 'kysely';
import { columnsOf, type PersonalData } from '#platform/privacy/personal-data.ts';
import { deleteAggregationsWith } from './aggregations.store.ts';
import type { AssessmentRow } from './assessments.store.ts';

const handedOut = [
  ...['organization_id', 'id', 'user_id', 'department', 'role', 'status', 'ocean_scores', 'facet_scores', 'created_at'],
  ...['updated_at', 'completed_at'],
];

/**
 * The person's assessments in all organizations. They go with the account, and with them the averages that they are part
 * of.
 */
export const assessmentsPersonalData: PersonalData<AssessmentRow> = {
  section: 'assessments',
  covers: columnsOf('assessments', handedOut),
  list: async ({ db }, { userId }, { after, limit }) => {
    const isPast = after ? sql`(organization_id, id) > (${after.organization_id}::uuid, ${after.id}::uuid)` : sql`true`;
    const { rows } = await sql<AssessmentRow>`
      select ${sql.join(handedOut.map((column) => sql.ref(column)))} from assessments
      where user_id = ${userId} and ${isPast} order by organization_id, id limit ${limit}`.execute(db);
    return rows;
  },
  erase: (tx, { userId }) => deleteAggregationsWith(tx, userId),
};
