import type { Role } from '@almanac/contract/permissions.ts';
import { sql } from 'kysely';
import type { InstanceTx } from '#platform/db/scopes.ts';
import type { MailedPurpose } from './identity.tables.ts';
import { homeFirst } from './standing.store.ts';

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

/** What a password, and perhaps a code, was checked against. */
interface Checked {
  id: string;
  password_hash: string | null;
  mfa_enabled_at: Date | null;
}

/** Holds an account as it was checked until the transaction ends; false where it has changed since, or is gone. */
export async function holdUnchanged({ db }: InstanceTx, checked: Checked): Promise<boolean> {
  const { rows } = await sql`
    select from users
    where id = ${checked.id} and deleted_at is null and password_hash is not distinct from ${checked.password_hash}
      and mfa_enabled_at is not distinct from ${checked.mfa_enabled_at}::timestamptz
    for share`.execute(db);
  return rows.length === 1;
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

interface NewPassword {
  userId: string;
  passwordHash: string;
  /** The hash that the change was allowed by; without it, whatever stands there. */
  instead?: string | null;
  now: Date;
}

/** Sets a password and uses up the links that could set another; false where it is not the one that was checked. */
export async function setPassword({ db }: InstanceTx, change: NewPassword): Promise<boolean> {
  const { userId, passwordHash, instead, now } = change;
  const { rows } = await sql`
    with changed as (
      update users set password_hash = ${passwordHash}, password_changed_at = ${now}
      where id = ${userId} and (${instead ?? null}::text is null or password_hash = ${instead ?? null})
      returning id
    ),
    links as (
      update mailed_tokens set used_at = ${now} from changed
      where user_id = changed.id and purpose = 'reset_password' and used_at is null
    )
    select from changed`.execute(db);
  return rows.length === 1;
}

interface Membership {
  organizationId: string;
  userId: string;
  role: Role;
  at: Date;
}

export async function putMembership(
  { db }: InstanceTx,
  { organizationId, userId, role, at }: Membership,
): Promise<void> {
  await db
    .insertInto('user_organizations')
    .values({ organization_id: organizationId, user_id: userId, role, created_at: at })
    .onConflict((conflict) => conflict.columns(['organization_id', 'user_id']).doUpdateSet({ role, is_active: true }))
    .execute();
}

/** Makes an organization in the transaction, with the user whose name its own was made from, if any; answers its id. */
export type MakeOrganization = (
  tx: InstanceTx,
  organization: { name: string; namedAfter: string | undefined },
) => Promise<string>;

interface OwnOrganization {
  user: { id: string; name: string };
  /** The user's own name unless given. */
  name?: string | undefined;
  at: Date;
}

/** Makes the organization that is a user's own, and them its owner; answers its id. */
export async function putOwnOrganization(
  tx: InstanceTx,
  { user, name, at }: OwnOrganization,
  makeOrganization: MakeOrganization,
): Promise<string> {
  const organizationId = await makeOrganization(tx, {
    name: name ?? `${user.name}’s organization`,
    namedAfter: name === undefined ? user.id : undefined,
  });
  await sql`update users set own_organization_id = ${organizationId} where id = ${user.id}`.execute(tx.db);
  await putMembership(tx, { organizationId, userId: user.id, role: 'owner', at });
  return organizationId;
}

/** Where a user's tokens lead, and their role there. */
export interface Home {
  organizationId: string;
  role: Role;
}

/** The home of a user: the first of their memberships, in the order of homes. */
export async function findHome({ db }: InstanceTx, userId: string): Promise<Home | undefined> {
  const row = await db
    .selectFrom('user_organizations as m')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .select(['m.organization_id', 'm.role'])
    .where('m.user_id', '=', userId)
    .where('m.is_active', '=', true)
    .orderBy(homeFirst)
    .limit(1)
    .executeTakeFirst();
  return row && { organizationId: row.organization_id, role: row.role };
}

/** The same; whoever was put out of every organization gets one of their own again. */
export async function getHome(
  tx: InstanceTx,
  { user, at }: { user: { id: string; name: string }; at: Date },
  makeOrganization: MakeOrganization,
): Promise<Home> {
  const home = await findHome(tx, user.id);
  return home ?? { organizationId: await putOwnOrganization(tx, { user, at }, makeOrganization), role: 'owner' };
}

/** The account that an outside issuer's subject stands for, and whether it is a member anywhere. */
export async function findUserByIdentity(
  { db }: InstanceTx,
  { issuer, subject }: { issuer: string; subject: string },
): Promise<{ id: string; name: string; has_home: boolean } | undefined> {
  const { rows } = await sql<{ id: string; name: string; has_home: boolean }>`
    select u.id, u.name, exists (select from user_organizations m where m.user_id = u.id and m.is_active) as has_home
    from user_identities i join users u on u.id = i.user_id and u.deleted_at is null
    where i.issuer = ${issuer} and i.subject = ${subject}`.execute(db);
  return rows[0];
}

export async function insertIdentity(
  { db }: InstanceTx,
  identity: { issuer: string; subject: string; user_id: string; created_at: Date },
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
    .select(['t.id', 'u.id as user_id', 'u.email', 'u.email_verified_at', 'u.own_organization_id'])
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
