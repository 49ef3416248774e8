import { setImmediate } from 'node:timers/promises';
import { type RawBuilder, sql } from 'kysely';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import type { EventRecord } from './check-events.ts';

/** The embedded database works on the thread that serves requests: a statement of as many takes about 30 ms there. */
const eventsPerStatement = 1_000;
/** How far back events are counted by minute: an hour is asked for, and a clock may be behind. */
const minutesKept = 120;

interface PutEvents {
  readonly events: readonly EventRecord[];
  readonly now: Date;
  /** In whose days they are counted; it is held until the transaction's end. */
  readonly timezone: string;
}

/** Writes events and, in the same statements, what is counted of them; answers how many were new. */
export async function putEvents(tx: OrganizationTx, { events, ...put }: PutEvents): Promise<number> {
  let inserted = 0;
  for (let from = 0; from < events.length; from += eventsPerStatement) {
    if (from > 0) await setImmediate();
    inserted += await putSome(tx, { ...put, events: events.slice(from, from + eventsPerStatement) });
  }
  return inserted;
}

/** Events of a relation, counted by day of a time zone and person, as rows of `activity_daily_users`. */
export const daysOf = ({ organizationId }: OrganizationTx, events: RawBuilder<unknown>, timezone: string) => sql`
  select ${organizationId}::uuid, (created_at at time zone ${timezone})::date as day, user_id, count(*), min(created_at),
    max(created_at)
  from ${events} group by 2, 3`;

/**
 * Only rows that were really inserted count, so a repeated call changes nothing. Each table is written in the order of its
 * keys, so that writers of the same rows wait for each other and never in a circle.
 */
async function putSome(tx: OrganizationTx, { events, now, timezone }: PutEvents): Promise<number> {
  const oldestMinute = new Date(now.getTime() - minutesKept * 60_000);
  const { rows } = await sql<{ inserted: number }>`
    with inserted as (
      insert into user_activity_logs (organization_id, id, user_id, activity_type, session_id, duration_seconds, metadata,
        created_at)
      select ${tx.organizationId}::uuid, id, user_id, activity_type, session_id, duration_seconds, metadata, created_at
      from jsonb_to_recordset(${JSON.stringify(events)}::jsonb) as x (id uuid, user_id uuid, activity_type text,
        session_id text, duration_seconds integer, metadata jsonb, created_at timestamptz)
      order by created_at, id
      on conflict do nothing
      returning user_id, created_at
    ),
    days as (
      insert into activity_daily_users as d (organization_id, day, user_id, events, first_at, last_at)
      ${daysOf(tx, sql`inserted`, timezone)} order by 2, 3
      on conflict (organization_id, day, user_id) do update set events = d.events + excluded.events,
        first_at = least(d.first_at, excluded.first_at), last_at = greatest(d.last_at, excluded.last_at)
    ),
    minutes as (
      insert into activity_minutes as m (organization_id, minute, events)
      select ${tx.organizationId}::uuid, date_bin('1 minute', created_at, timestamptz '2000-01-01Z') as minute, count(*)
      from inserted where created_at >= ${oldestMinute} group by 2 order by 2
      on conflict (organization_id, minute) do update set events = m.events + excluded.events
    )
    select count(*) as inserted from inserted`.execute(tx.db);
  return rows[0]?.inserted ?? 0;
}

/** Those of the users who are no members of the organization. */
export async function listStrangers({ db }: OrganizationTx, userIds: readonly string[]): Promise<string[]> {
  if (userIds.length === 0) return [];
  const { rows } = await sql<{ id: string }>`
    select id from unnest(${[...userIds]}::uuid[]) as asked (id)
    where id not in (select user_id from current_members()) order by id`.execute(db);
  return rows.map(({ id }) => id);
}
