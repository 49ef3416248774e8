import { sql } from 'kysely';
import { columnsOf, type PersonalData } from '#platform/privacy/personal-data.ts';

interface EventRow {
  organization_id: string;
  id: string;
  activity_type: string;
  session_id: string | null;
  duration_seconds: number | null;
  metadata: unknown;
  created_at: Date;
}

/** How many events a part of an erasure removes. */
const eventsPerPart = 5_000;

const activityLog: PersonalData<EventRow> = {
  section: 'activity_log',
  covers: columnsOf('user_activity_logs', [
    ...[
      'organization_id',
      'id',
      'user_id',
      'activity_type',
      'session_id',
      'duration_seconds',
      'metadata',
      'created_at',
    ],
  ]),
  list: async ({ db }, { userId }, { after, limit, until }) => {
    const isPast = after
      ? sql`(organization_id, created_at, id) > (${after.organization_id}::uuid, ${after.created_at}, ${after.id}::uuid)`
      : sql`true`;
    const { rows } = await sql<EventRow>`
      select organization_id, id, activity_type, session_id, duration_seconds, metadata, created_at
      from user_activity_logs where user_id = ${userId} and created_at <= ${until} and ${isPast}
      order by organization_id, created_at, id limit ${limit}`.execute(db);
    return rows;
  },
  // The rest goes with the account, by its reference.
  eraseSome: async ({ db }, { userId }) => {
    const { rows } = await sql<{ removed: number }>`
      with chosen as materialized (
        select organization_id, created_at, id from user_activity_logs where user_id = ${userId} limit ${eventsPerPart + 1}
      ),
      removed as (
        delete from user_activity_logs l using chosen c
        where (select count(*) from chosen) > ${eventsPerPart} and (l.organization_id, l.created_at, l.id)
          = (c.organization_id, c.created_at, c.id)
        returning 1
      )
      select count(*) as removed from removed`.execute(db);
    return rows[0]?.removed ? {} : undefined;
  },
};

interface DayRow {
  organization_id: string;
  day: string;
  events: number;
  first_at: Date;
  last_at: Date;
}

const activeDays: PersonalData<DayRow> = {
  section: 'active_days',
  covers: columnsOf('activity_daily_users', ['organization_id', 'day', 'user_id', 'events', 'first_at', 'last_at']),
  list: async ({ db }, { userId }, { after, limit }) => {
    const isPast = after
      ? sql`(organization_id, day) > (${after.organization_id}::uuid, ${after.day}::date)`
      : sql`true`;
    const { rows } = await sql<DayRow>`
      select organization_id, day, events, first_at, last_at from activity_daily_users
      where user_id = ${userId} and ${isPast} order by organization_id, day limit ${limit}`.execute(db);
    return rows;
  },
};

/** What the person did, and on which days, in all organizations. It goes with the account. */
export const activityPersonalData = [activityLog, activeDays] as const;
