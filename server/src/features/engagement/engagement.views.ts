import { type RawBuilder, sql } from 'kysely';
import type { OrganizationTx } from '#platform/db/scopes.ts';

/** Days of an organization, up to a moment. */
export interface DayRange {
  readonly startDate: string;
  readonly endDate: string;
  /** Epoch milliseconds; what comes later does not count. */
  readonly untilMs: number;
}

/** What is counted of people. */
export interface UserNumbers {
  readonly total: number;
  readonly active: number;
  /** The newest activity counted, as the database writes times. */
  readonly last_at: string | null;
}

/**
 * A subquery of one value, UserNumbers, for the statement that counts all of a dashboard at one moment: whoever was active
 * in the range, and the members who had joined by its end beside them. Somebody who has left since counts as long as they
 * were active, and one whose earlier activity was brought in counts from that on, so no more are active than there are.
 */
export function usersOf({ organizationId }: OrganizationTx, range: DayRange): RawBuilder<UserNumbers> {
  const until = new Date(range.untilMs);
  return sql<UserNumbers>`(
    with active as materialized (
      select user_id, max(last_at) as last_at from activity_daily_users
      where organization_id = ${organizationId} and day between ${range.startDate}::date and ${range.endDate}::date
        and first_at < ${until}
      group by user_id
    )
    select jsonb_build_object('active', (select count(*) from active), 'last_at', (select max(last_at) from active),
      'total', (select count(*) from (
        select user_id from active union select user_id from current_members() where joined_at < ${until}) everybody)))`;
}

/** A subquery of one value: true where the days from one on are counted in the organization's time zone. */
export function hasCountedDays({ organizationId }: OrganizationTx, startDate: string): RawBuilder<boolean> {
  return sql<boolean>`(
    not exists (select from activity_recounts
      where organization_id = ${organizationId} and recounted_from > ${startDate}::date))`;
}

/** What goes on in an organization. */
export interface ActivityNow {
  readonly activeIn15Minutes: number;
  readonly activeToday: number;
  readonly eventsInLastHour: number;
  readonly lastAt: Date | null;
  /** The number of the organization's last event. */
  readonly lastEventId: number;
}

const minuteMs = 60_000;

/**
 * Reads at most sixty rows of minutes and, of today and yesterday, one for each person who was active: how many events are
 * stored makes no difference. Today is told by the time zone that the days are counted in at that moment.
 */
export async function readActivityNow({ db, organizationId }: OrganizationTx, now: Date): Promise<ActivityNow> {
  const nowMs = now.getTime();
  const recent = new Date(nowMs - 15 * minuteMs);
  const firstMinute = new Date((Math.floor(nowMs / minuteMs) - 59) * minuteMs);
  const { rows } = await sql<ActivityNow>`
    with today as materialized (
      select (${now}::timestamptz at time zone timezone)::date as day from organizations where id = ${organizationId}
    ),
    lately as (
      select user_id, day, last_at from activity_daily_users
      where organization_id = ${organizationId} and day >= (select day - 1 from today)
    )
    select count(distinct user_id) filter (where last_at > ${recent}) as "activeIn15Minutes",
      count(*) filter (where day = (select day from today)) as "activeToday",
      (select coalesce(sum(events), 0)::bigint from activity_minutes
        where organization_id = ${organizationId} and minute >= ${firstMinute} and minute <= ${now}) as "eventsInLastHour",
      max(last_at) as "lastAt",
      coalesce((select last_id from feed_heads where organization_id = ${organizationId}), 0) as "lastEventId"
    from lately`.execute(db);
  const [row] = rows;
  if (!row) throw new Error('What goes on could not be counted.');
  return row;
}
