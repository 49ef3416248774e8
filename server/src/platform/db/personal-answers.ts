import { sql } from 'kysely';
import { columnsOf, type PersonalData } from '../privacy/personal-data.ts';
import { withOwnerRights } from './owner-rights.ts';

interface CallRow {
  organization_id: string;
  route: string;
  key: string;
  created_at: Date;
}

/**
 * Answers kept 24 hours for calls that are repeated: the person's own, and those of others in which the person is named. A
 * call of the latter that is repeated after that is made anew.
 */
export const personalAnswers: PersonalData<CallRow> = {
  section: 'idempotent_calls',
  covers: columnsOf('idempotency_keys', ['caller', 'route', 'key', 'request_hash', 'answer']),
  list: (tx, { userId }, { after, limit }) =>
    withOwnerRights(tx, async (db) => {
      const isPast = after
        ? sql`(organization_id, route, key) > (${after.organization_id}::uuid, ${after.route}, ${after.key})`
        : sql`true`;
      const { rows } = await sql<CallRow>`
        select organization_id, route, key, created_at from idempotency_keys
        where caller = ${userId} and ${isPast}
        order by organization_id, route, key limit ${limit}`.execute(db);
      return rows;
    }),
  erase: (tx, { userId, email, isEmailVerified }) =>
    withOwnerRights(tx, async (db) => {
      await sql`
        delete from idempotency_keys where caller = ${userId} or position(${userId} in answer::text) > 0
          or (${isEmailVerified} and position(lower(to_jsonb(${email}::text)::text) in lower(answer::text)) > 0)`.execute(
        db,
      );
    }),
};
