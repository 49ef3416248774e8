import type { Business, BusinessStatus } from '@almanac/contract/businesses.ts';
import { type RawBuilder, sql } from 'kysely';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import type { BusinessFields } from './read-business.ts';

/** A business as it is read; times as they come, as such or in JSON. */
export interface BusinessRow extends Omit<Business, 'created_at' | 'updated_at'> {
  readonly created_at: Date | string;
  readonly updated_at: Date | string;
}

/** A business as the interface shows it. */
export function toBusiness(row: BusinessRow): Business {
  return {
    id: row.id,
    organization_id: row.organization_id,
    user_id: row.user_id,
    name: row.name,
    industry: row.industry,
    location: row.location,
    latitude: row.latitude,
    longitude: row.longitude,
    country_code: row.country_code,
    timezone: row.timezone,
    status: row.status,
    views_count: row.views_count,
    messages_count: row.messages_count,
    invites_count: row.invites_count,
    responses_count: row.responses_count,
    created_at: new Date(row.created_at).toISOString(),
    updated_at: new Date(row.updated_at).toISOString(),
  };
}

/** What is read of a business `b`. */
export const businessColumns = sql`
  b.organization_id, b.id, b.user_id, b.name, b.industry, b.location, b.latitude, b.longitude, b.country_code, b.timezone,
  b.status, b.views_count, b.messages_count, b.invites_count,
  case when b.tracks_responses then b.responses_count end as responses_count, b.created_at, b.updated_at`;

/** Whose businesses, and when. */
interface Owned {
  readonly userId: string;
  readonly id: string;
  readonly now: Date;
}

/** A business after a change, and the version that the change is. */
export type ChangedBusiness = BusinessRow & { readonly version: number };

/** Raises the version of the user of a row of `changed`; after it, so that all writers lock in one order. */
const raiseVersion = (changed: RawBuilder<unknown>, now: Date) => sql`
  insert into tenant_versions as v (organization_id, user_id, version, changed_at)
  select organization_id, user_id, 1, ${now}::timestamptz from ${changed}
  on conflict (organization_id, user_id) do update set version = v.version + 1,
    changed_at = greatest(v.changed_at, excluded.changed_at)
  returning v.version`;

export async function insertBusiness(
  { db, organizationId }: OrganizationTx,
  { userId, id, now }: Owned,
  fields: BusinessFields,
): Promise<ChangedBusiness> {
  const { rows } = await sql<ChangedBusiness>`
    with b as (
      insert into businesses (organization_id, id, user_id, name, industry, location, latitude, longitude, country_code,
        timezone, status, created_at, updated_at)
      values (${organizationId}, ${id}, ${userId}, ${fields.name}, ${fields.industry}, ${fields.location},
        ${fields.latitude}, ${fields.longitude}, ${fields.country_code}, ${fields.timezone}, ${fields.status}, ${now}, ${now})
      returning *
    ),
    stated as (
      insert into business_statuses (organization_id, business_id, since, status)
      select organization_id, id, created_at, status from b
    ),
    raised as (${raiseVersion(sql`b`, now)})
    select ${businessColumns}, raised.version from b, raised`.execute(db);
  const [row] = rows;
  if (!row) throw new Error('The business was not entered.');
  return row;
}

export async function findBusiness(
  { db, organizationId }: OrganizationTx,
  { userId, id }: Omit<Owned, 'now'>,
): Promise<BusinessRow | undefined> {
  const { rows } = await sql<BusinessRow>`
    select ${businessColumns} from businesses b
    where b.organization_id = ${organizationId} and b.id = ${id} and b.user_id = ${userId}`.execute(db);
  return rows[0];
}

/** Finds a business, and holds off others who would change it. */
export async function lockBusiness(
  { db, organizationId }: OrganizationTx,
  { userId, id }: Omit<Owned, 'now'>,
): Promise<BusinessRow | undefined> {
  const { rows } = await sql<BusinessRow>`
    select ${businessColumns} from businesses b
    where b.organization_id = ${organizationId} and b.id = ${id} and b.user_id = ${userId} for update`.execute(db);
  return rows[0];
}

/** Changes a business that is locked. */
export async function updateBusiness(
  { db, organizationId }: OrganizationTx,
  { id, now, previous }: Omit<Owned, 'userId'> & { previous: BusinessStatus },
  fields: BusinessFields,
): Promise<ChangedBusiness> {
  const { rows } = await sql<ChangedBusiness>`
    with b as (
      update businesses set name = ${fields.name}, industry = ${fields.industry}, location = ${fields.location},
        latitude = ${fields.latitude}, longitude = ${fields.longitude}, country_code = ${fields.country_code},
        timezone = ${fields.timezone}, status = ${fields.status}, updated_at = ${now}
      where organization_id = ${organizationId} and id = ${id}
      returning *
    ),
    stated as (
      insert into business_statuses (organization_id, business_id, since, status)
      select organization_id, id, updated_at, status from b where status <> ${previous}
      on conflict (organization_id, business_id, since) do update set status = excluded.status
    ),
    raised as (${raiseVersion(sql`b`, now)})
    select ${businessColumns}, raised.version from b, raised`.execute(db);
  const [row] = rows;
  if (!row) throw new Error(`The business ${id} was not there to be changed.`);
  return row;
}

/** Deletes a business with its numbers; answers the version that this is, or undefined where there is none. */
export async function deleteBusiness(
  { db, organizationId }: OrganizationTx,
  { userId, id, now }: Owned,
): Promise<number | undefined> {
  const { rows } = await sql<{ version: number }>`
    with b as (
      delete from businesses where organization_id = ${organizationId} and id = ${id} and user_id = ${userId}
      returning organization_id, user_id
    )
    ${raiseVersion(sql`b`, now)}`.execute(db);
  return rows[0]?.version;
}

/** Which businesses a page is of. */
interface BusinessRange {
  readonly userId: string;
  /** The time and id of the business that the page follows. */
  readonly after: readonly [position: string, id: string] | undefined;
  readonly limit: number;
}

/** A business of a page, with what the next page follows. */
export type ListedBusiness = BusinessRow & { readonly position: string };

/** A user's businesses, the newest first and those of one moment by id, as one JSON value: `ListedBusiness[]`. */
export function businessesOf({ organizationId }: OrganizationTx, { userId, after, limit }: BusinessRange) {
  const further = after ? sql`and (b.created_at, b.id) < (${after[0]}::timestamptz, ${after[1]}::uuid)` : sql``;
  const newest = sql`order by b.created_at desc, b.id desc`;
  return sql`(
    select coalesce(jsonb_agg(to_jsonb(b) ${newest}), '[]') from (
      select ${businessColumns}, b.created_at::text as position from businesses b
      where b.organization_id = ${organizationId} and b.user_id = ${userId} ${further} ${newest} limit ${limit}
    ) b)`;
}

export async function listBusinesses(tx: OrganizationTx, range: BusinessRange): Promise<ListedBusiness[]> {
  const { rows } = await sql<{ page: ListedBusiness[] }>`select ${businessesOf(tx, range)} as page`.execute(tx.db);
  return rows[0]?.page ?? [];
}
