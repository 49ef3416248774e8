import { sql } from 'kysely';
import { withOwnerRights } from '../db/owner-rights.ts';
import { columnsOf, type PersonalData } from '../privacy/personal-data.ts';
import { audienceOf } from './feed-reader.ts';

interface EventRow {
  organization_id: string;
  id: number;
  type: string;
  payload: unknown;
  created_at: Date;
}

/**
 * Events for one person alone, kept 24 hours. Erasing leaves them their numbers, because what is kept of an
 * organization's events has no holes; what they say, and for whom they were, goes.
 */
export const personalEvents: PersonalData<EventRow> = {
  section: 'events',
  covers: [
    ...columnsOf('feed_events', ['audience', 'payload']),
    ...columnsOf('feed_states', ['audience', 'subject', 'waiting_payload']),
  ],
  list: (tx, { userId }, { after, limit }) =>
    withOwnerRights(tx, async (db) => {
      const isPast = after ? sql`(organization_id, id) > (${after.organization_id}::uuid, ${after.id})` : sql`true`;
      const { rows } = await sql<EventRow>`
        select organization_id, id, type, payload, created_at from feed_events
        where audience = ${audienceOf({ userId })} and ${isPast}
        order by organization_id, id limit ${limit}`.execute(db);
      return rows;
    }),
  erase: (tx, { userId }) =>
    withOwnerRights(tx, async (db) => {
      const audience = audienceOf({ userId });
      await sql`update feed_events set audience = 'user:erased', payload = '{}' where audience = ${audience}`.execute(
        db,
      );
      await sql`delete from feed_states where audience = ${audience}`.execute(db);
    }),
};
