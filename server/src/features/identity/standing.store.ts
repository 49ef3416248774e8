import type { AccountType } from '@almanac/contract/identity.ts';
import type { Role } from '@almanac/contract/permissions.ts';
import type { Tier } from '@almanac/contract/tiers.ts';
import { sql } from 'kysely';
import { isId } from '#kernel/ids.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { InstanceTx } from '#platform/db/scopes.ts';
import { findUnstorable } from '#platform/http/find-unstorable.ts';

/** What a request needs to know of its user in one organization. */
export interface Standing {
  user_id: string;
  role: Role;
  is_instance_admin: boolean;
  account_type: AccountType;
  has_mfa: boolean;
  organization_id: string;
  slug: string;
  timezone: string;
  first_day_of_week: number;
  is_demo: boolean;
  subscription_tier: Tier;
  requires_mfa: boolean;
}

interface Asked {
  userId: string;
  /** Where credentials belong to a session, it must not have ended. */
  sessionId: string | undefined;
  /** An organization's id or slug; the user's home without it. */
  organization: string | undefined;
  now: Date;
}

/** Orders the memberships `m` of a user `u`: the organization made with the account, else the one they have been in longest. */
export const homeFirst = sql`m.organization_id is not distinct from u.own_organization_id desc, m.created_at, m.organization_id`;

/** Where a user stands in an organization: undefined without an active membership there. */
export async function findStanding(
  { db }: InstanceTx,
  { userId, sessionId, organization, now }: Asked,
): Promise<{ standing: Standing | undefined; isLive: boolean }> {
  const session = sessionId ?? null;
  const { rows } = await sql<Partial<Standing> & { is_live: boolean }>`
    select u.id is not null as is_live, m.user_id, m.role, u.is_instance_admin, u.account_type, u.mfa_enabled_at is not null as has_mfa,
      o.id as organization_id, o.slug, o.timezone, o.first_day_of_week, o.is_demo, o.subscription_tier, o.requires_mfa
    from (select) nothing
    left join users u on u.id = ${userId}::uuid and u.deleted_at is null and (${session}::uuid is null or exists (
      select from user_sessions s
      where s.id = ${session}::uuid and s.user_id = u.id and s.revoked_at is null and s.expires_at > ${now}))
    left join lateral (
      select m.user_id, m.role, m.organization_id from user_organizations m
      join organizations o on o.id = m.organization_id
      where m.user_id = u.id and m.is_active and ${nameOf(organization)}
      order by ${homeFirst} limit 1
    ) m on true
    left join organizations o on o.id = m.organization_id`.execute(db);
  const [row] = rows;
  return { standing: row?.user_id ? (row as Standing) : undefined, isLive: row?.is_live ?? false };
}

function nameOf(organization: string | undefined) {
  if (organization === undefined) return sql`true`;
  if (findUnstorable(organization)) return sql`false`;
  return isId(organization) ? sql`o.id = ${organization}::uuid` : sql`o.slug = ${organization}`;
}

/** Of the principals given, the indexes of those whose session, key, membership, role or second factor has changed. */
export async function findEndedStandings(
  { db }: InstanceTx,
  principals: readonly UserPrincipal[],
  now: Date,
): Promise<number[]> {
  const asked = principals.map((principal) => ({
    user_id: principal.userId,
    organization_id: principal.organizationId,
    role: principal.role,
    session_id: principal.sessionId,
    api_key_id: principal.apiKey?.id,
    // Of an outside issuer's people and the anonymous viewer the account says nothing about a second factor.
    is_mfa_missing: principal.sessionId || principal.apiKey ? principal.isMfaMissing : null,
  }));
  const { rows } = await sql<{ index: number }>`
    select (a.ordinality - 1)::int as index
    from rows from (jsonb_to_recordset(${JSON.stringify(asked)}::jsonb)
      as (user_id uuid, organization_id uuid, role text, session_id uuid, api_key_id uuid,
        is_mfa_missing boolean)) with ordinality as a
    where not exists (
        select from user_organizations m
        join users u on u.id = m.user_id join organizations o on o.id = m.organization_id
        where m.organization_id = a.organization_id and m.user_id = a.user_id and m.is_active and m.role = a.role
          and u.deleted_at is null
          and (a.is_mfa_missing is null or a.is_mfa_missing = (o.requires_mfa and u.mfa_enabled_at is null)))
      or (a.session_id is not null and not exists (
        select from user_sessions s
        where s.id = a.session_id and s.revoked_at is null and s.expires_at > ${now}))
      or (a.api_key_id is not null and not exists (
        select from api_keys k
        where k.organization_id = a.organization_id and k.id = a.api_key_id
          and (k.expires_at is null or k.expires_at > ${now})))`.execute(db);
  return rows.map(({ index }) => index);
}
