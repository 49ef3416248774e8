import type { Role } from '@almanac/contract/permissions.ts';
import { sql } from 'kysely';
import type { InstanceTx } from '#platform/db/scopes.ts';

/** An account's row, without its secrets. */
export interface UserRow {
  id: string;
  email: string;
  name: string;
  account_type: 'standard' | 'tenant' | 'landlord';
  is_instance_admin: boolean;
  subscription_tier: 'free' | 'pro' | 'enterprise';
  created_at: Date;
}

const userColumns = [
  'id',
  'email',
  'name',
  'account_type',
  'is_instance_admin',
  'subscription_tier',
  'created_at',
] as const;

export function findUserByEmail({ db }: InstanceTx, email: string) {
  return db
    .selectFrom('users')
    .select([...userColumns, 'password_hash'])
    .where(sql`lower(email)`, '=', email.toLowerCase())
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
}

export function findUser({ db }: InstanceTx, id: string): Promise<UserRow | undefined> {
  return db
    .selectFrom('users')
    .select(userColumns)
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
}

/** True before anyone has registered; holds off other registrations until the transaction ends. */
export async function isFirstAccount({ db }: InstanceTx): Promise<boolean> {
  await sql`select pg_advisory_xact_lock(hashtext('almanac first account'))`.execute(db);
  const anyone = await db
    .selectFrom('users')
    .select('id')
    .where('password_hash', 'is not', null)
    .limit(1)
    .executeTakeFirst();
  return anyone === undefined;
}

interface NewUser {
  id: string;
  email: string;
  name: string;
  passwordHash: string | null;
  accountType: UserRow['account_type'];
  isInstanceAdmin: boolean;
}

export function insertUser({ db }: InstanceTx, user: NewUser): Promise<UserRow> {
  return db
    .insertInto('users')
    .values({
      id: user.id,
      email: user.email,
      name: user.name,
      password_hash: user.passwordHash,
      account_type: user.accountType,
      is_instance_admin: user.isInstanceAdmin,
    })
    .returning(userColumns)
    .executeTakeFirstOrThrow();
}

export async function putMembership(
  { db }: InstanceTx,
  { organizationId, userId, role }: { organizationId: string; userId: string; role: Role },
): Promise<void> {
  await db
    .insertInto('user_organizations')
    .values({ organization_id: organizationId, user_id: userId, role })
    .onConflict((conflict) => conflict.columns(['organization_id', 'user_id']).doUpdateSet({ role, is_active: true }))
    .execute();
}

interface NewSession {
  id: string;
  userId: string;
  tokenHash: Buffer;
  expiresAt: Date;
}

export async function insertSession({ db }: InstanceTx, session: NewSession): Promise<void> {
  await db
    .insertInto('user_sessions')
    .values({
      id: session.id,
      user_id: session.userId,
      refresh_token_hash: session.tokenHash,
      expires_at: session.expiresAt,
      revoked_at: null,
    })
    .execute();
}

/** Replaces a refresh token by the next one; undefined when the token is not, or no longer, a session's current one. */
export function rotateSession(
  { db }: InstanceTx,
  { oldHash, newHash, now }: { oldHash: Buffer; newHash: Buffer; now: Date },
): Promise<{ id: string; user_id: string } | undefined> {
  return db
    .updateTable('user_sessions')
    .set({ refresh_token_hash: newHash, last_used_at: now })
    .where('refresh_token_hash', '=', oldHash)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', now)
    .returning(['id', 'user_id'])
    .executeTakeFirst();
}

export async function revokeSession({ db }: InstanceTx, sessionId: string, now: Date): Promise<void> {
  await db.updateTable('user_sessions').set({ revoked_at: now }).where('id', '=', sessionId).execute();
}

/**
 * The organization that a user's tokens name: the one they have been in longest as owner, else longest at all. Of two of
 * one moment the newer: the first account comes to own the organization `local` beside the one it made.
 */
export async function findHomeOrganization({ db }: InstanceTx, userId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('user_organizations')
    .select('organization_id')
    .where('user_id', '=', userId)
    .where('is_active', '=', true)
    .orderBy(sql`role = 'owner'`, 'desc')
    .orderBy('created_at')
    .orderBy('organization_id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.organization_id;
}

/** What a request needs to know of its user in one organization. */
export interface Standing {
  user_id: string;
  role: Role;
  organization_id: string;
  slug: string;
  timezone: string;
  first_day_of_week: number;
  is_demo: boolean;
}

const isId = (text: string) => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text);

/**
 * Where a user stands in an organization, named by id or slug; undefined without an active membership, for a deleted
 * account, or, where a session is named, when that has ended.
 */
export async function findStanding(
  { db }: InstanceTx,
  {
    userId,
    sessionId,
    organization,
    now,
  }: { userId: string; sessionId: string | undefined; organization: string; now: Date },
): Promise<{ standing: Standing | undefined; isSessionLive: boolean }> {
  const { rows } = await sql<Partial<Standing> & { is_live: boolean }>`
    select s.is_live, m.user_id, m.role, o.id as organization_id, o.slug, o.timezone, o.first_day_of_week, o.is_demo
    from (
      select ${sessionId ?? null}::uuid is null or exists (
        select from user_sessions s join users u on u.id = s.user_id
        where s.id = ${sessionId ?? null}::uuid and s.user_id = ${userId}::uuid and s.revoked_at is null
          and s.expires_at > ${now} and u.deleted_at is null) as is_live
    ) s
    left join organizations o on ${isId(organization) ? sql`o.id = ${organization}::uuid` : sql`o.slug = ${organization}`}
    left join user_organizations m on m.organization_id = o.id and m.user_id = ${userId}::uuid and m.is_active`.execute(
    db,
  );
  const [row] = rows;
  const standing = row?.user_id ? (row as Standing) : undefined;
  return { standing, isSessionLive: row?.is_live ?? false };
}

/** Of the sessions and memberships given, those that have ended. */
export async function findEndedStandings(
  { db }: InstanceTx,
  asked: readonly { userId: string; organizationId: string; sessionId: string | undefined; role: Role }[],
  now: Date,
): Promise<number[]> {
  const { rows } = await sql<{ index: number }>`
    select (a.ordinality - 1)::int as index
    from rows from (jsonb_to_recordset(${JSON.stringify(asked)}::jsonb)
      as ("userId" uuid, "organizationId" uuid, "sessionId" uuid, role text)) with ordinality as a
    where not exists (
        select from user_organizations m where m.organization_id = a."organizationId" and m.user_id = a."userId"
          and m.is_active and m.role = a.role)
      or (a."sessionId" is not null and not exists (
        select from user_sessions s join users u on u.id = s.user_id
        where s.id = a."sessionId" and s.revoked_at is null and s.expires_at > ${now} and u.deleted_at is null))`.execute(
    db,
  );
  return rows.map(({ index }) => index);
}
