import { type AggregationType, leastPeople, traits } from '@almanac/contract/assessments.ts';
import { type RawBuilder, sql } from 'kysely';
import { dayAt } from '#kernel/days.ts';
import type { InstanceTx, OrganizationTx } from '#platform/db/scopes.ts';
import type { GroupRow } from './shape-groups.ts';

/** How many days an aggregation looks back, and how many days of them are kept. */
const aggregatedDays = 90;

interface At {
  readonly now: Date;
  readonly timezone: string;
}

/** The newest completed assessment of each person in the days before a moment, as `recent`. */
export function recentAssessments({ organizationId }: OrganizationTx, now: Date) {
  const from = new Date(now.getTime() - aggregatedDays * 86_400_000);
  return sql`
    select distinct on (user_id) user_id, department, role, ocean_scores, facet_scores, completed_at from assessments
    where organization_id = ${organizationId} and completed_at > ${from} and completed_at <= ${now}
    order by user_id, completed_at desc, id desc`;
}

/** The average of each trait over `recent`, as one JSON value. */
export const traitAverages = sql`jsonb_build_object(${sql.join(
  traits.flatMap((trait) => [sql`${sql.lit(trait)}::text`, sql`avg((ocean_scores ->> ${sql.lit(trait)})::numeric)`]),
)})`;

/** A number where it is of enough people to be kept, null where it would tell of few. */
const ofEnough = (number: RawBuilder<unknown>) => sql`case when count(*) >= ${sql.lit(leastPeople)} then ${number} end`;

/** One at a time in an organization, to the end of the transaction: what another left out is left out. */
const lockAggregations = (organizationId: RawBuilder<unknown>) =>
  sql`pg_advisory_xact_lock(hashtextextended('assessment aggregations/' || ${organizationId}::text, 0))`;

/**
 * What there is of each group at a moment, of people by their newest assessments. How many people a group or facet is of is
 * always told, its scores where they are enough.
 */
const groupsAt = (tx: OrganizationTx, now: Date) => sql<GroupRow & { readonly type: AggregationType }>`
    with recent as materialized (${recentAssessments(tx, now)}),
    keyed as (
      select 'ocean_department' as type, coalesce(department, '') as key, user_id, ocean_scores, facet_scores from recent
      union all select 'ocean_role', coalesce(role, ''), user_id, ocean_scores, facet_scores from recent
    ),
    facets as (
      select type, key, jsonb_object_agg(facet, jsonb_build_object('average', average, 'people', people)) as scores
      from (
        select type, key, facet, ${ofEnough(sql`avg(score::numeric)`)} as average, count(*) as people
        from keyed cross join lateral jsonb_each_text(facet_scores) as f (facet, score)
        group by type, key, facet) by_facet
      group by type, key
    )
    select type, key as aggregation_key, count(*) as people, ${ofEnough(traitAverages)} as ocean_scores,
      coalesce((select scores from facets f where f.type = k.type and f.key = k.key), '{}') as facet_scores
    from keyed k group by type, key`;

/** The groups of all types as they are at a moment, past what is stored. */
export async function readGroups(
  tx: OrganizationTx,
  now: Date,
): Promise<readonly (GroupRow & { readonly type: AggregationType })[]> {
  const { rows } = await groupsAt(tx, now).execute(tx.db);
  return rows;
}

/**
 * Computes the aggregations of the organization's day anew, and removes those of days past 90; answers how many groups.
 */
export async function putAggregations(tx: OrganizationTx, { now, timezone }: At): Promise<number> {
  const { db, organizationId } = tx;
  const today = dayAt(now.getTime(), timezone);
  await sql`select ${lockAggregations(sql`${organizationId}`)}`.execute(db);
  await sql`
    delete from assessment_aggregations where organization_id = ${organizationId}
      and (computed_on = ${today.toString()}::date or computed_on <= ${today.subtract({ days: aggregatedDays }).toString()}::date)`.execute(
    db,
  );
  const { rows } = await sql`
    insert into assessment_aggregations (organization_id, aggregation_type, computed_on, aggregation_key, people,
      ocean_scores, facet_scores, computed_at)
    select ${organizationId}::uuid, type, ${today.toString()}::date, aggregation_key, people, ocean_scores, facet_scores,
      ${now}::timestamptz
    from (${groupsAt(tx, now)}) g
    returning 1`.execute(db);
  await sql`
    insert into assessment_computations (organization_id, computed_on, computed_at)
    values (${organizationId}, ${today.toString()}::date, ${now})
    on conflict (organization_id) do update set computed_on = excluded.computed_on, computed_at = excluded.computed_at`.execute(
    db,
  );
  return rows.length;
}

/** Aggregations as they were computed. */
export interface StoredAggregations {
  readonly computedAt: Date;
  readonly groups: readonly GroupRow[];
}

/** The aggregations of a day, none where there was nothing to compute; undefined where they were not computed that day. */
export async function findAggregations(
  { db, organizationId }: OrganizationTx,
  { type, day }: { type: AggregationType; day: string },
): Promise<StoredAggregations | undefined> {
  const computed = await sql<{ computed_at: Date }>`
    select computed_at from assessment_computations
    where organization_id = ${organizationId} and computed_on = ${day}::date`.execute(db);
  const [last] = computed.rows;
  if (!last) return undefined;
  const { rows } = await sql<GroupRow>`
    select aggregation_key, people, ocean_scores, facet_scores from assessment_aggregations
    where organization_id = ${organizationId} and aggregation_type = ${type} and computed_on = ${day}::date`.execute(
    db,
  );
  return { computedAt: last.computed_at, groups: rows };
}

/** Removes what was computed on what is today in any of the calendars, and after: the next reading computes it anew. */
export async function removeNewestAggregations(
  { db, organizationId }: OrganizationTx,
  now: Date,
  calendars: readonly Pick<At, 'timezone'>[],
): Promise<void> {
  const [today] = calendars.map(({ timezone }) => dayAt(now.getTime(), timezone).toString()).sort();
  await sql`select ${lockAggregations(sql`${organizationId}`)}`.execute(db);
  await sql`
    delete from assessment_aggregations where organization_id = ${organizationId} and computed_on >= ${today}::date`.execute(
    db,
  );
  await sql`delete from assessment_computations where organization_id = ${organizationId}`.execute(db);
}

/** Removes all aggregations of the organizations that a person was assessed in: the next reading computes them anew. */
export async function deleteAggregationsWith({ db }: InstanceTx, userId: string): Promise<void> {
  const assessedIn = sql`select distinct organization_id from assessments where user_id = ${userId} order by 1`;
  // In the order of their ids, and in a statement of its own: the next ones see what was waited for.
  await sql`select ${lockAggregations(sql`organization_id`)} from (${assessedIn}) o`.execute(db);
  await sql`delete from assessment_aggregations where organization_id in (${assessedIn})`.execute(db);
  await sql`delete from assessment_computations where organization_id in (${assessedIn})`.execute(db);
}
