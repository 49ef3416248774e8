import type { Role } from '@almanac/contract/permissions.ts';
import { sql } from 'kysely';
import { activeMembers, isPerson } from '#features/organizations/index.ts';
import type { InstanceTx } from '#platform/db/scopes.ts';

/** A member as others see them. */
export interface MemberRow {
  user_id: string;
  email: string;
  name: string;
  role: Role;
  mfa_enabled: boolean;
  joined_at: Date;
  /** `joined_at` to the microsecond, for the position in a list. */
  joined_text: string;
}

/** One user in one organization. */
export interface MembershipKey {
  organizationId: string;
  userId: string;
}

const memberColumns = sql`m.user_id, u.email, u.name, m.role, u.mfa_enabled_at is not null as mfa_enabled,
  m.created_at as joined_at, m.created_at::text as joined_text`;

/** The members past the position, the longest in it first. */
export async function listMemberRows(
  { db }: InstanceTx,
  { organizationId, limit, after }: { organizationId: string; limit: number; after?: readonly [string, string] },
): Promise<MemberRow[]> {
  const isPast = after ? sql`(m.created_at, m.user_id) > (${after[0]}::timestamptz, ${after[1]}::uuid)` : sql`true`;
  const { rows } = await sql<MemberRow>`
    select ${memberColumns} from ${activeMembers}
    where m.organization_id = ${organizationId} and ${isPast}
    order by m.created_at, m.user_id limit ${limit}`.execute(db);
  return rows;
}

/** An active member; undefined for anybody else, the built-in anonymous viewer included. */
export async function findMember(
  { db }: InstanceTx,
  { organizationId, userId }: MembershipKey,
): Promise<MemberRow | undefined> {
  const { rows } = await sql<MemberRow>`
    select ${memberColumns} from ${activeMembers}
    where m.organization_id = ${organizationId} and m.user_id = ${userId}`.execute(db);
  return rows[0];
}

/** The active member who has the address, in any case. */
export async function findMemberByEmail(
  { db }: InstanceTx,
  { organizationId, email }: { organizationId: string; email: string },
): Promise<MemberRow | undefined> {
  const { rows } = await sql<MemberRow>`
    select ${memberColumns} from ${activeMembers}
    where m.organization_id = ${organizationId} and lower(u.email) = lower(${email})`.execute(db);
  return rows[0];
}

/** The id of the account whose verified address it is, in any case. */
export async function findVerifiedAccount({ db }: InstanceTx, email: string): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    select u.id from users u
    where lower(u.email) = lower(${email}) and u.email_verified_at is not null and ${isPerson}`.execute(db);
  return rows[0]?.id;
}

/** Makes somebody a member, also one who was a member before. */
export async function putMember(
  { db }: InstanceTx,
  { organizationId, userId, role, at }: MembershipKey & { role: Role; at: Date },
): Promise<void> {
  await sql`
    insert into user_organizations (organization_id, user_id, role, is_active, created_at)
    values (${organizationId}, ${userId}, ${role}, true, ${at})
    on conflict (organization_id, user_id)
    do update set role = excluded.role, is_active = true, created_at = excluded.created_at`.execute(db);
}

export async function setRole(
  { db }: InstanceTx,
  { organizationId, userId, role }: MembershipKey & { role: Role },
): Promise<void> {
  await sql`
    update user_organizations set role = ${role}
    where organization_id = ${organizationId} and user_id = ${userId}`.execute(db);
}

export async function endMembership({ db }: InstanceTx, { organizationId, userId }: MembershipKey): Promise<void> {
  await sql`
    update user_organizations set is_active = false
    where organization_id = ${organizationId} and user_id = ${userId}`.execute(db);
}

/** True where somebody else is an owner too. */
export async function hasOtherOwner({ db }: InstanceTx, { organizationId, userId }: MembershipKey): Promise<boolean> {
  const { rows } = await sql<{ exists: boolean }>`
    select exists (
      select from ${activeMembers}
      where m.organization_id = ${organizationId} and m.user_id <> ${userId} and m.role = 'owner')`.execute(db);
  return rows[0]?.exists ?? false;
}
