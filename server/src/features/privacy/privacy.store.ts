import { sql } from 'kysely';
import { isPerson } from '#features/organizations/index.ts';
import type { InstanceTx } from '#platform/db/scopes.ts';
import type { Person } from '#platform/privacy/personal-data.ts';
import { accountColumns } from './declare-account-data.ts';

/** An account, as far as its end depends on it. */
export interface Account extends Person {
  readonly hasPassword: boolean;
  readonly isInstanceAdmin: boolean;
  readonly hasSecondFactor: boolean;
}

/** Finds an account; with `lock` nobody else changes or ends it before the transaction's end. */
export async function findAccount(
  { db }: InstanceTx,
  userId: string,
  { lock = false }: { lock?: boolean } = {},
): Promise<Account | undefined> {
  const { rows } = await sql<Account>`
    select id as "userId", email, email_verified_at is not null as "isEmailVerified", name,
      password_hash is not null as "hasPassword", is_instance_admin as "isInstanceAdmin",
      mfa_enabled_at is not null as "hasSecondFactor"
    from users where id = ${userId} and deleted_at is null
    ${lock ? sql`for no key update` : sql``}`.execute(db);
  return rows[0];
}

/** What is handed out of the account itself. */
export function findAccountRow({ db }: InstanceTx, userId: string) {
  return db
    .selectFrom('users')
    .select(accountColumns)
    .where('id', '=', userId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
}

/** How many people have accounts beside one, and how many of them administrate the installation. */
export async function countOthers(
  { db }: InstanceTx,
  userId: string,
): Promise<{ people: number; administrators: number }> {
  const { rows } = await sql<{ people: number; administrators: number }>`
    select count(*)::int as people, count(*) filter (where u.is_instance_admin)::int as administrators
    from users u where u.id <> ${userId} and ${isPerson}`.execute(db);
  return rows[0] ?? { people: 0, administrators: 0 };
}

/** An organization that a person is in, and who is there besides. */
export interface SharedOrganization {
  id: string;
  name: string;
  is_built_in: boolean;
  is_owner: boolean;
  others: number;
  other_owners: number;
}

/** Locks the organizations that a person is in, against other changes of who is in them. */
export async function lockOrganizationsOf({ db }: InstanceTx, userId: string): Promise<SharedOrganization[]> {
  // In the order of their ids, so that two that lock the same ones do not wait for each other.
  await sql`
    select from organizations where id in (
      select organization_id from user_organizations where user_id = ${userId} and is_active)
    order by id for no key update`.execute(db);
  // In a statement of its own, because one that waited for the locks would see the memberships of before.
  const { rows } = await sql<SharedOrganization>`
    select o.id, o.name, o.slug in ('local', 'demo') as is_built_in, m.role = 'owner' as is_owner, n.others, n.other_owners
    from user_organizations m join organizations o on o.id = m.organization_id
    cross join lateral (
      select count(*)::int as others, count(*) filter (where n.role = 'owner')::int as other_owners
      from user_organizations n join users u on u.id = n.user_id
      where n.organization_id = m.organization_id and n.user_id <> m.user_id and n.is_active and ${isPerson}) n
    where m.user_id = ${userId} and m.is_active
    order by o.name, o.id`.execute(db);
  return rows;
}

/** Deletes organizations with all that is theirs; the audit log's entries stay. */
export async function deleteOrganizations({ db }: InstanceTx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await sql`delete from organizations where id = any(${[...ids]}::uuid[])`.execute(db);
}

/**
 * Deletes an account's row, and with it all that refers to it. No tombstone is left: a request that is under way, and
 * would write down more about the account, fails on the reference.
 */
export async function deleteAccountRow({ db }: InstanceTx, userId: string): Promise<void> {
  await db.deleteFrom('users').where('id', '=', userId).execute();
}
