import type { Role } from '@almanac/contract/permissions.ts';
import type { Tier } from '@almanac/contract/tiers.ts';
import { type Selectable, sql } from 'kysely';
import { newId } from '#kernel/ids.ts';
import type { WeekCalendar } from '#kernel/weeks.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { InstanceTx, OrganizationTx } from '#platform/db/scopes.ts';
import type { Tables } from '#platform/db/tables.ts';
import { notFound } from '#platform/errors/app-error.ts';
import { calendarInUse } from './organizations.errors.ts';

/** What work inside an organization needs to know of it. */
export interface OrganizationSettings extends WeekCalendar {
  readonly id: string;
  readonly slug: string;
  readonly isDemo: boolean;
  readonly weeksKept: number;
}

/**
 * The settings of the transaction's organization. Its calendar stands until the transaction's end: whoever changes it, or
 * moves what is kept by local days to another one, waits for that. Throws NOT_FOUND where its principal is no member any
 * more.
 */
export async function getOrganizationSettings({ db, organizationId }: OrganizationTx): Promise<OrganizationSettings> {
  const row = await db
    .selectFrom(holdCalendar(organizationId).as('o'))
    .select(['o.id', 'o.slug', 'o.timezone', 'o.first_day_of_week', 'o.is_demo', 'o.weeks_kept'])
    .executeTakeFirst();
  if (!row) throw notFound('organization', organizationId);
  return {
    id: row.id,
    slug: row.slug,
    timezone: row.timezone,
    firstDayOfWeek: row.first_day_of_week,
    isDemo: row.is_demo,
    weeksKept: row.weeks_kept,
  };
}

/** A row of `organizations` whose calendar is held as `getOrganizationSettings` holds it; to be read from. */
export function holdCalendar(organizationId: string) {
  return sql<Selectable<Tables['organizations']>>`hold_calendar(${organizationId}::uuid)`;
}

/**
 * Waits until nobody holds an organization's calendar, and keeps others from holding it until the transaction's end. Throws
 * CONFLICT where somebody holds it for more than a second, because whoever comes later waits behind.
 */
export async function lockCalendar({ db }: Pick<InstanceTx, 'db'>, organizationId: string): Promise<void> {
  try {
    await sql`select lock_calendar(${organizationId}::uuid)`.execute(db);
  } catch (error) {
    throw (error as { code?: string }).code === '55P03' ? calendarInUse() : error;
  }
}

/** Keeps others from holding the organization's calendar until the transaction's end; false, at once, where somebody does. */
export async function tryLockCalendar({ db, organizationId }: OrganizationTx): Promise<boolean> {
  const { rows } = await sql<{ is_mine: boolean }>`
    select pg_try_advisory_xact_lock(calendar_lock(${organizationId}::uuid)) as is_mine`.execute(db);
  return rows[0]?.is_mine ?? false;
}

interface NewOrganization {
  slug: string;
  name: string;
  /** The user whose name this one, and the slug, were made from; undefined where somebody chose it. */
  namedAfter?: string | undefined;
  timezone?: string | undefined;
  firstDayOfWeek?: number | undefined;
  createdAt: Date;
}

/** Makes an organization; answers its id. Throws where the slug is taken. */
export async function insertOrganization({ db }: InstanceTx, organization: NewOrganization): Promise<string> {
  const { slug, name, namedAfter, timezone = 'UTC', firstDayOfWeek = 1, createdAt } = organization;
  const id = newId();
  await db
    .insertInto('organizations')
    .values({
      id,
      slug,
      name,
      named_after: namedAfter ?? null,
      is_name_derived: namedAfter !== undefined,
      timezone,
      first_day_of_week: firstDayOfWeek,
      created_at: createdAt,
    })
    .execute();
  return id;
}

/** Makes its maker the owner of a new organization. */
export async function insertOwner(
  { db }: InstanceTx,
  { organizationId, userId, at }: { organizationId: string; userId: string; at: Date },
): Promise<void> {
  await db
    .insertInto('user_organizations')
    .values({ organization_id: organizationId, user_id: userId, role: 'owner', created_at: at })
    .execute();
}

/** How many organizations a user owns; whoever else asks for the same user waits for the end of this transaction. */
export async function countOwned({ db }: InstanceTx, userId: string): Promise<number> {
  await sql`select from users where id = ${userId} for no key update`.execute(db);
  const { rows } = await sql<{ owned: number }>`
    select count(*)::int as owned from user_organizations
    where user_id = ${userId} and is_active and role = 'owner'`.execute(db);
  return rows[0]?.owned ?? 0;
}

/** An organization with one's role in it. */
export interface MembershipRow {
  id: string;
  slug: string;
  name: string;
  role: Role;
  timezone: string;
  first_day_of_week: number;
  subscription_tier: Tier;
  requires_mfa: boolean;
  is_demo: boolean;
  created_at: Date;
}

/** The organizations that a user is an active member of, by name; of one alone where it is named. */
export function listMemberships(
  { db }: InstanceTx,
  { userId, organizationId }: { userId: string; organizationId?: string },
): Promise<MembershipRow[]> {
  const memberships = db
    .selectFrom('user_organizations as m')
    .innerJoin('organizations as o', 'o.id', 'm.organization_id')
    .select(['o.id', 'o.slug', 'o.name', 'm.role', 'o.timezone', 'o.first_day_of_week', 'o.subscription_tier'])
    .select(['o.requires_mfa', 'o.is_demo', 'o.created_at'])
    .where('m.user_id', '=', userId)
    .where('m.is_active', '=', true)
    .orderBy('o.name')
    .orderBy('o.id');
  return (organizationId === undefined ? memberships : memberships.where('o.id', '=', organizationId)).execute();
}

/** An organization whose members, invitations, tier and settings nobody else changes before the transaction's end. */
export interface LockedOrganization {
  readonly id: string;
  readonly name: string;
  readonly tier: Tier;
  readonly requiresMfa: boolean;
}

/**
 * Locks an organization: each change of its members, its tier or its settings begins with this, so that such changes
 * come one after the other. Undefined where it is no more.
 */
export async function lockOrganization({ db }: InstanceTx, id: string): Promise<LockedOrganization | undefined> {
  // No key update: rows of other tables that refer to the organization are still written meanwhile.
  const { rows } = await sql<LockedOrganization>`
    select id, name, subscription_tier as tier, requires_mfa as "requiresMfa"
    from organizations where id = ${id} for no key update`.execute(db);
  return rows[0];
}

/**
 * Locks the organization that the principal acts in and reads the role they have there now: the principal's own may be
 * some seconds old. Throws NOT_FOUND where they are a member no more.
 */
export async function lockForChange(
  tx: InstanceTx,
  { organizationId, userId }: Pick<UserPrincipal, 'organizationId' | 'userId'>,
): Promise<LockedOrganization & { readonly role: Role }> {
  const organization = await lockOrganization(tx, organizationId);
  // In a statement of its own, because one that waited for the lock would see the memberships of before.
  const role = await findRole(tx, { organizationId, userId });
  if (!organization || !role) throw notFound('organization', organizationId);
  return { ...organization, role };
}

/** The role of a user whose account and membership are active. */
export async function findRole(
  { db }: InstanceTx,
  { organizationId, userId }: { organizationId: string; userId: string },
): Promise<Role | undefined> {
  const { rows } = await sql<{ role: Role }>`
    select m.role from user_organizations m join users u on u.id = m.user_id
    where m.organization_id = ${organizationId} and m.user_id = ${userId} and m.is_active and u.deleted_at is null`.execute(
    db,
  );
  return rows[0]?.role;
}

/** Changes an organization. A name that somebody gives is no longer made from a person's; the slug stays as it was. */
export async function updateOrganization(
  { db }: InstanceTx,
  organization: WeekCalendar & { id: string; name: string; requiresMfa: boolean },
): Promise<void> {
  const { id, name, requiresMfa, timezone, firstDayOfWeek } = organization;
  await sql`
    update organizations set name = ${name}, is_name_derived = is_name_derived and name = ${name},
      requires_mfa = ${requiresMfa}, timezone = ${timezone}, first_day_of_week = ${firstDayOfWeek}
    where id = ${id}`.execute(db);
}

/** True where the account has a second factor. */
export async function hasSecondFactor({ db }: InstanceTx, userId: string): Promise<boolean> {
  const row = await db.selectFrom('users').select('mfa_enabled_at').where('id', '=', userId).executeTakeFirst();
  return (row?.mfa_enabled_at ?? null) !== null;
}

/** True where the database counts days in the zone: its list may be older than the server's. */
export async function knowsTimeZone({ db }: InstanceTx, timezone: string): Promise<boolean> {
  try {
    await sql`select now() at time zone ${timezone}::text`.execute(db);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === '22023') return false;
    throw error;
  }
}
