import { mostDaysBack } from '@almanac/contract/businesses.ts';
import { sql } from 'kysely';
import { prepared } from '#platform/db/prepare.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';

/** What is added to the numbers of a day; `responses` is undefined where they are not told of. */
export interface AddedNumbers {
  readonly views: number;
  readonly messages: number;
  readonly invites: number;
  readonly responses: number | undefined;
}

/** The numbers of a business, of a day or of all days. */
export interface BusinessNumbers {
  readonly views_count: number;
  readonly messages_count: number;
  readonly invites_count: number;
  /** Null until responses are told of. */
  readonly responses_count: number | null;
}

/** A business's day after something was added to it. */
export interface MeasuredDay extends BusinessNumbers {
  readonly day: string;
  readonly totals: BusinessNumbers;
  /** Of the seven days that end with this one. */
  readonly week: { readonly invites: number; readonly answered: number };
  /** Now for a day that runs, never before what was added earlier; noon of a day that is over. */
  readonly recorded_at: Date;
  readonly version: number;
}

interface Adding {
  readonly userId: string;
  readonly id: string;
  readonly day: string | undefined;
  readonly added: AddedNumbers;
  readonly now: Date;
}

/** How many days before a day its response rate looks back. */
const daysBefore = 6;

/**
 * Adds to a day and to the totals, and raises the user's version, in one statement, so that of several writers nothing is
 * lost. Undefined, and nothing is written, where there is no such business or the day is not one that is taken.
 */
export async function addNumbers(
  { db, organizationId }: OrganizationTx,
  { userId, id, day, added, now }: Adding,
): Promise<MeasuredDay | undefined> {
  const { views, messages, invites, responses = 0 } = added;
  const isTold = added.responses !== undefined;
  const today = sql`(${now}::timestamptz at time zone b.timezone)::date`;
  const wanted = sql`coalesce(${day ?? null}::date, ${today})`;
  const { rows } = await sql<MeasuredDay>`${prepared}
    with b as (
      update businesses b set views_count = b.views_count + ${views}, messages_count = b.messages_count + ${messages},
        invites_count = b.invites_count + ${invites}, responses_count = b.responses_count + ${responses},
        tracks_responses = b.tracks_responses or ${isTold}::boolean
      where b.organization_id = ${organizationId} and b.id = ${id} and b.user_id = ${userId}
        and ${wanted} between ${today} - ${sql.lit(mostDaysBack)} and ${today}
      returning b.*, ${wanted} as day, ${wanted} = ${today} as is_today
    ),
    d as (
      insert into business_metrics as m (organization_id, business_id, day, views_count, messages_count, invites_count,
        responses_count)
      select organization_id, id, day, ${views}::bigint, ${messages}::bigint, ${invites}::bigint, ${responses}::bigint
      from b
      on conflict (organization_id, business_id, day) do update set
        views_count = m.views_count + excluded.views_count, messages_count = m.messages_count + excluded.messages_count,
        invites_count = m.invites_count + excluded.invites_count,
        responses_count = m.responses_count + excluded.responses_count
      returning m.*
    ),
    raised as (
      insert into tenant_versions as v (organization_id, user_id, version, changed_at)
      select b.organization_id, b.user_id, 1, ${now}::timestamptz from b, d
      on conflict (organization_id, user_id) do update set version = v.version + 1,
        changed_at = greatest(v.changed_at, excluded.changed_at)
      returning v.version, v.changed_at
    )
    select d.day, d.views_count, d.messages_count, d.invites_count,
      case when b.tracks_responses then d.responses_count end as responses_count,
      jsonb_build_object('views_count', b.views_count, 'messages_count', b.messages_count, 'invites_count', b.invites_count,
        'responses_count', case when b.tracks_responses then b.responses_count end) as totals,
      jsonb_build_object('invites', d.invites_count + w.invites,
        'answered', case when b.tracks_responses then d.responses_count + w.responses
          else d.messages_count + w.messages end) as week,
      case when b.is_today then raised.changed_at else (d.day + time '12:00') at time zone b.timezone end as recorded_at,
      raised.version
    from b, d, raised, lateral (
      select coalesce(sum(invites_count), 0) as invites, coalesce(sum(messages_count), 0) as messages,
        coalesce(sum(responses_count), 0) as responses
      from business_metrics m
      where m.organization_id = d.organization_id and m.business_id = d.business_id
        and m.day >= d.day - ${sql.lit(daysBefore)} and m.day < d.day
    ) w`.execute(db);
  return rows[0];
}
