import type { Role } from '@almanac/contract/permissions.ts';
import { sql } from 'kysely';
import { newId } from '#kernel/ids.ts';
import type { WeekCalendar } from '#kernel/weeks.ts';
import type { InstanceTx, OrganizationTx } from '#platform/db/scopes.ts';

/** What work inside an organization needs to know of it. */
export interface OrganizationSettings extends WeekCalendar {
  readonly id: string;
  readonly slug: string;
  readonly isDemo: boolean;
  readonly weeksKept: number;
}

/** The settings of the transaction's organization. */
export async function getOrganizationSettings({ db, organizationId }: OrganizationTx): Promise<OrganizationSettings> {
  const row = await db
    .selectFrom('organizations')
    .select(['id', 'slug', 'timezone', 'first_day_of_week', 'is_demo', 'weeks_kept'])
    .where('id', '=', organizationId)
    .executeTakeFirstOrThrow();
  return {
    id: row.id,
    slug: row.slug,
    timezone: row.timezone,
    firstDayOfWeek: row.first_day_of_week,
    isDemo: row.is_demo,
    weeksKept: row.weeks_kept,
  };
}

interface NewOrganization {
  slug: string;
  name: string;
  timezone?: string;
  isDemo?: boolean;
}

/** Makes an organization, or finds the one that has the slug already; answers its id. */
export async function putOrganization({ db }: InstanceTx, organization: NewOrganization): Promise<string> {
  const { slug, name, timezone = 'UTC', isDemo = false } = organization;
  const inserted = await db
    .insertInto('organizations')
    .values({ id: newId(), slug, name, timezone, is_demo: isDemo })
    .onConflict((conflict) => conflict.column('slug').doUpdateSet({ slug: sql`excluded.slug` }))
    .returning('id')
    .executeTakeFirstOrThrow();
  return inserted.id;
}

/** An organization with one's role in it. */
export interface MembershipRow {
  id: string;
  slug: string;
  name: string;
  role: Role;
  timezone: string;
  first_day_of_week: number;
  is_demo: boolean;
}

/** The organizations that a user is an active member of, by name. */
export function listMemberships({ db }: InstanceTx, userId: string): Promise<MembershipRow[]> {
  return db
    .selectFrom('user_organizations as m')
    .innerJoin('organizations as o', 'o.id', 'm.organization_id')
    .select(['o.id', 'o.slug', 'o.name', 'm.role', 'o.timezone', 'o.first_day_of_week', 'o.is_demo'])
    .where('m.user_id', '=', userId)
    .where('m.is_active', '=', true)
    .orderBy('o.name')
    .orderBy('o.id')
    .execute();
}

/** Makes the built-in viewer that requests without credentials act as; answers its id. */
export async function putAnonymousViewer(tx: InstanceTx, organizationIds: readonly string[]): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    insert into users (id, email, name) values (${newId()}, 'anonymous@almanac.invalid', 'Anonymous viewer')
    on conflict (lower(email)) do update set email = excluded.email
    returning id`.execute(tx.db);
  const userId = rows[0]?.id ?? '';
  await tx.db
    .deleteFrom('user_organizations')
    .where('user_id', '=', userId)
    .where('organization_id', 'not in', [...organizationIds])
    .execute();
  await tx.db
    .insertInto('user_organizations')
    .values(organizationIds.map((organization_id) => ({ organization_id, user_id: userId, role: 'viewer' as const })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return userId;
}
