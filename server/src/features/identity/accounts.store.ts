import type { Role } from '@almanac/contract/permissions.ts';
import { sql } from 'kysely';
import type { InstanceTx } from '#platform/db/scopes.ts';
import type { MailedPurpose } from './identity.tables.ts';

const userColumns = [
  'id',
  'email',
  'name',
  'account_type',
  'is_instance_admin',
  'subscription_tier',
  'email_verified_at',
  'mfa_enabled_at',
  'created_at',
  'own_organization_id',
] as const;

/** An account's row, without its secrets. */
export type UserRow = Awaited<ReturnType<typeof insertUser>>;

/** An account with what a password is checked against. */
export function findUserByEmail({ db }: InstanceTx, email: string) {
  return db
    .selectFrom('users')
    .select([...userColumns, 'password_hash'])
    .where(sql`lower(email)`, '=', email.toLowerCase())
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
}

export function findUser({ db }: InstanceTx, id: string) {
  return db
    .selectFrom('users')
    .select([...userColumns, 'password_hash', 'password_changed_at', 'preferences'])
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
}

/** Keeps an account from being deleted until the transaction ends; false where it is gone already. */
export async function holdUser({ db }: InstanceTx, id: string): Promise<boolean> {
  const held = await db
    .selectFrom('users')
    .select('id')
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .forKeyShare()
    .executeTakeFirst();
  return held !== undefined;
}

/** Holds off registrations until the transaction ends. */
export async function holdRegistrations({ db }: InstanceTx): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('almanac first account'))`.execute(db);
}

/** True before anyone has registered; holds off other registrations until the transaction ends. */
export async function isFirstAccount(tx: InstanceTx): Promise<boolean> {
  await holdRegistrations(tx);
  const anyone = await tx.db
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
  accountType?: 'standard' | 'tenant' | 'landlord';
  isInstanceAdmin: boolean;
  emailVerifiedAt: Date | null;
  ownOrganizationId: string;
  createdAt: Date;
}

export function insertUser({ db }: InstanceTx, user: NewUser) {
  return db
    .insertInto('users')
    .values({
      id: user.id,
      email: user.email,
      name: user.name,
      password_hash: user.passwordHash,
      account_type: user.accountType ?? 'standard',
      is_instance_admin: user.isInstanceAdmin,
      email_verified_at: user.emailVerifiedAt,
      own_organization_id: user.ownOrganizationId,
      created_at: user.createdAt,
    })
    .returning(userColumns)
    .executeTakeFirstOrThrow();
}

/** Changes the profile's fields that are given; undefined where there is no such account. */
export async function updateUser(
  tx: InstanceTx,
  { id, name, preferences }: { id: string; name: string | undefined; preferences: object | undefined },
) {
  await sql`
    update users set name = coalesce(${name ?? null}, name),
      preferences = coalesce(${preferences === undefined ? null : JSON.stringify(preferences)}::jsonb, preferences)
    where id = ${id} and deleted_at is null`.execute(tx.db);
  return findUser(tx, id);
}

export async function setPassword(
  { db }: InstanceTx,
  { userId, passwordHash, now }: { userId: string; passwordHash: string; now: Date },
): Promise<void> {
  await db
    .updateTable('users')
    .set({ password_hash: passwordHash, password_changed_at: now })
    .where('id', '=', userId)
    .execute();
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

/** Where a user's tokens lead: the organization made with the account, else the one they have been in longest. */
export async function findHome(
  { db }: InstanceTx,
  userId: string,
): Promise<{ organizationId: string; role: Role } | undefined> {
  const row = await db
    .selectFrom('user_organizations as m')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .select(['m.organization_id', 'm.role'])
    .where('m.user_id', '=', userId)
    .where('m.is_active', '=', true)
    .orderBy(sql`m.organization_id is not distinct from u.own_organization_id`, 'desc')
    .orderBy('m.created_at')
    .orderBy('m.organization_id')
    .limit(1)
    .executeTakeFirst();
  return row && { organizationId: row.organization_id, role: row.role };
}

/** The account that an outside issuer's subject stands for. */
export async function findUserByIdentity(
  { db }: InstanceTx,
  { issuer, subject }: { issuer: string; subject: string },
): Promise<string | undefined> {
  const row = await db
    .selectFrom('user_identities as i')
    .innerJoin('users as u', 'u.id', 'i.user_id')
    .select('u.id')
    .where('i.issuer', '=', issuer)
    .where('i.subject', '=', subject)
    .where('u.deleted_at', 'is', null)
    .executeTakeFirst();
  return row?.id;
}

export async function insertIdentity(
  { db }: InstanceTx,
  identity: { issuer: string; subject: string; user_id: string },
): Promise<void> {
  await db.insertInto('user_identities').values(identity).execute();
}

interface MailedToken {
  id: string;
  userId: string;
  purpose: MailedPurpose;
  tokenHash: Buffer;
  now: Date;
  expiresAt: Date;
}

/** Keeps a mailed token, unless three of its purpose were mailed to the user in the last 15 minutes; answers whether. */
export async function insertMailedToken({ db }: InstanceTx, token: MailedToken): Promise<boolean> {
  const since = new Date(token.now.getTime() - 15 * 60_000);
  const { numAffectedRows } = await sql`
    insert into mailed_tokens (id, user_id, purpose, token_hash, created_at, expires_at)
    select ${token.id}, ${token.userId}, ${token.purpose}, ${token.tokenHash}, ${token.now}, ${token.expiresAt}
    where (select count(*) from mailed_tokens
      where user_id = ${token.userId} and purpose = ${token.purpose} and created_at > ${since}) < 3`.execute(db);
  return numAffectedRows === 1n;
}

/** The account of a mailed token that is still good. */
export async function findMailedToken(
  { db }: InstanceTx,
  { purpose, tokenHash, now }: { purpose: MailedPurpose; tokenHash: Buffer; now: Date },
) {
  return db
    .selectFrom('mailed_tokens as t')
    .innerJoin('users as u', 'u.id', 't.user_id')
    .select(['t.id', 'u.id as user_id', 'u.email'])
    .where('t.purpose', '=', purpose)
    .where('t.token_hash', '=', tokenHash)
    .where('t.used_at', 'is', null)
    .where('t.expires_at', '>', now)
    .where('u.deleted_at', 'is', null)
    .executeTakeFirst();
}

/** Uses a mailed token, and with it the others of its user and purpose; false where somebody else was first. */
export async function useMailedToken({ db }: InstanceTx, id: string, now: Date): Promise<boolean> {
  const used = await db
    .updateTable('mailed_tokens')
    .set({ used_at: now })
    .where('id', '=', id)
    .where('used_at', 'is', null)
    .returning(['user_id', 'purpose'])
    .executeTakeFirst();
  if (!used) return false;
  await db
    .updateTable('mailed_tokens')
    .set({ used_at: now })
    .where('user_id', '=', used.user_id)
    .where('purpose', '=', used.purpose)
    .where('used_at', 'is', null)
    .execute();
  return true;
}

/** Notes that the account's mailbox was proved to be its owner's; answers since when it counts. */
export async function verifyEmailOf({ db }: InstanceTx, userId: string, now: Date): Promise<Date> {
  const row = await db
    .updateTable('users')
    .set({ email_verified_at: sql<Date>`coalesce(email_verified_at, ${now})` })
    .where('id', '=', userId)
    .returning('email_verified_at')
    .executeTakeFirstOrThrow();
  return row.email_verified_at ?? now;
}
