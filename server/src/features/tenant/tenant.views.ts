import { trendDays } from '@almanac/contract/tenant.ts';
import { type RawBuilder, sql } from 'kysely';
import { businessesOf, type ListedBusiness } from '#features/businesses/index.ts';
import { prepared } from '#platform/db/prepare.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';

/** What was counted of a period over all businesses of a user. */
export interface PeriodSums {
  readonly views: number;
  readonly messages: number;
  /** Of the businesses that tell of responses, where any does: others' answers are not known. */
  readonly invites: number;
  /** Their responses; messages where no business tells of responses. */
  readonly answered: number;
}

/** The numbers of a user's businesses, of one moment. */
export interface TenantRow {
  readonly version: number;
  readonly changed_at: Date | null;
  readonly total: number;
  readonly active: number;
  /** At the end of the last full days, and of those before. */
  readonly active_current: number;
  readonly active_previous: number;
  /** When the day ends in the first of the businesses' time zones. */
  readonly day_ends_at: Date | null;
  /** A period without numbers is missing. */
  readonly sums: Partial<Record<'asked' | 'current' | 'previous', PeriodSums>>;
  readonly businesses: readonly ListedBusiness[];
}

interface Asked {
  readonly userId: string;
  readonly now: Date;
  /** Undefined for all time. */
  readonly days: number | undefined;
  readonly page: { readonly after: readonly [string, string] | undefined; readonly limit: number };
}

/**
 * Reads it all in one statement. Of all time the totals of the businesses are added up, of days as many of each, counted
 * back from today in its time zone.
 */
export async function readTenant(tx: OrganizationTx, { userId, now, days, page }: Asked): Promise<TenantRow> {
  const { organizationId } = tx;
  const reach = Math.max(days ?? 0, 2 * trendDays + 1);
  const activeBefore = (daysAgo: number) => sql`(
    select count(*) from own o where 'active' = (
      select s.status from business_statuses s
      where s.organization_id = ${organizationId} and s.business_id = o.id
        and s.since < (o.today - ${sql.lit(daysAgo)})::timestamp at time zone o.timezone
      order by s.since desc limit 1))`;
  const { rows } = await sql<TenantRow>`
    with own as materialized (
      select b.id, b.status, b.timezone, b.tracks_responses, b.views_count, b.messages_count, b.invites_count,
        b.responses_count, (${now}::timestamptz at time zone b.timezone)::date as today
      from businesses b where b.organization_id = ${organizationId} and b.user_id = ${userId}
    ),
    parts as (
      select 'asked' as period, tracks_responses, views_count, messages_count, invites_count, responses_count
      from own where ${days === undefined}::boolean
      union all
      select p.period, o.tracks_responses, m.views_count, m.messages_count, m.invites_count, m.responses_count
      from own o
      join business_metrics m on m.organization_id = ${organizationId} and m.business_id = o.id
        and m.day > o.today - ${sql.lit(reach)} and m.day <= o.today
      join (values ('asked', 0, ${sql.lit((days ?? 0) - 1)}), ('current', 1, ${sql.lit(trendDays)}),
        ('previous', ${sql.lit(trendDays + 1)}, ${sql.lit(2 * trendDays)})) as p (period, first, last)
        on o.today - m.day between p.first and p.last
    ),
    sums as (
      select period, sum(views_count) as views, sum(messages_count) as messages,
        ${rateSums(sql`(select bool_or(tracks_responses) from own)`)}
      from parts group by period
    )
    select coalesce(v.version, 0) as version, v.changed_at,
      (select count(*) from own) as total, (select count(*) from own where status = 'active') as active,
      ${activeBefore(0)} as active_current, ${activeBefore(trendDays)} as active_previous,
      (select min((today + 1)::timestamp at time zone timezone) from own) as day_ends_at,
      (select coalesce(jsonb_object_agg(period, to_jsonb(sums) - 'period'), '{}') from sums) as sums,
      ${businessesOf(tx, { userId, ...page })} as businesses
    from (select) nothing
    left join tenant_versions v on v.organization_id = ${organizationId} and v.user_id = ${userId}`.execute(tx.db);
  const [row] = rows;
  if (!row) throw new Error('The numbers of the businesses could not be read.');
  return row;
}

/** The numbers of all time alone: what a live dashboard is told after each change. */
export type TotalsRow = Pick<TenantRow, 'version' | 'active'> & { readonly sums: PeriodSums };

/** Reads the totals of the user's businesses, with their version, in one small statement. */
export async function readTotals({ db, organizationId }: OrganizationTx, userId: string): Promise<TotalsRow> {
  const { rows } = await sql<TotalsRow>`${prepared}
    with own as (select * from businesses where organization_id = ${organizationId} and user_id = ${userId})
    select coalesce((
        select version from tenant_versions where organization_id = ${organizationId} and user_id = ${userId}), 0) as version,
      count(*) filter (where status = 'active') as active,
      (select to_jsonb(s) from (
        select coalesce(sum(views_count), 0) as views, coalesce(sum(messages_count), 0) as messages,
          ${rateSums(sql`(select bool_or(tracks_responses) from own)`)} from own) s) as sums
    from own`.execute(db);
  const [row] = rows;
  if (!row) throw new Error('The totals of the businesses could not be read.');
  return row;
}

/** What a response rate is made of: `isTold` says whether any of the businesses tells of responses. */
const rateSums = (isTold: RawBuilder<unknown>) => sql`
  coalesce(sum(invites_count) filter (where tracks_responses or not ${isTold}), 0) as invites,
  coalesce(sum(case when tracks_responses then responses_count else messages_count end)
    filter (where tracks_responses or not ${isTold}), 0) as answered`;

/** How often the user's businesses and their numbers have changed. */
export async function readVersion({ db, organizationId }: OrganizationTx, userId: string): Promise<number> {
  const { rows } = await sql<{ version: number }>`
    select version from tenant_versions where organization_id = ${organizationId} and user_id = ${userId}`.execute(db);
  return rows[0]?.version ?? 0;
}
