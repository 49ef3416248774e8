import type { Role } from '@almanac/contract/permissions.ts';
import { sql } from 'kysely';
import type { InstanceTx } from '#platform/db/scopes.ts';

/** An invitation as it stands. */
export interface InvitationRow {
  organization_id: string;
  id: string;
  email: string;
  role: Role;
  /** Null once the account of who invited is gone. */
  invited_by: string | null;
  created_at: Date;
  expires_at: Date;
}

const invitationColumns = sql`organization_id, id, email, role, invited_by, created_at, expires_at`;

interface OpenPage {
  organizationId: string;
  now: Date;
  limit: number;
  /** Of the last one that was read. */
  before?: readonly [createdAt: string, id: string];
}

/** The open invitations past the position, the newest first. */
export async function listOpenRows(
  { db }: InstanceTx,
  { organizationId, now, limit, before }: OpenPage,
): Promise<InvitationRow[]> {
  const isPast = before ? sql`(created_at, id) < (${before[0]}::timestamptz, ${before[1]}::uuid)` : sql`true`;
  const { rows } = await sql<InvitationRow>`
    select ${invitationColumns} from invitations
    where organization_id = ${organizationId} and expires_at > ${now} and ${isPast}
    order by created_at desc, id desc limit ${limit}`.execute(db);
  return rows;
}

/** How many invitations are open, those to the address apart. */
export async function countOpen(
  { db }: InstanceTx,
  { organizationId, now, besides }: { organizationId: string; now: Date; besides: string },
): Promise<number> {
  const { rows } = await sql<{ open: number }>`
    select count(*)::int as open from invitations
    where organization_id = ${organizationId} and expires_at > ${now} and lower(email) <> lower(${besides})`.execute(
    db,
  );
  return rows[0]?.open ?? 0;
}

/** Keeps an invitation in the place of an earlier one to the address. */
export async function putInvitation(
  { db }: InstanceTx,
  { tokenHash, ...invitation }: InvitationRow & { tokenHash: Buffer },
): Promise<void> {
  const { organization_id, id, email, role, invited_by, created_at, expires_at } = invitation;
  await sql`
    insert into invitations (${invitationColumns}, token_hash)
    values (${organization_id}, ${id}, ${email}, ${role}, ${invited_by}, ${created_at}, ${expires_at}, ${tokenHash})
    on conflict (organization_id, lower(email)) do update set
      id = excluded.id, email = excluded.email, role = excluded.role, invited_by = excluded.invited_by,
      created_at = excluded.created_at, expires_at = excluded.expires_at, token_hash = excluded.token_hash`.execute(db);
}

export async function findOpen(
  { db }: InstanceTx,
  { organizationId, id, now }: { organizationId: string; id: string; now: Date },
): Promise<InvitationRow | undefined> {
  const { rows } = await sql<InvitationRow>`
    select ${invitationColumns} from invitations
    where organization_id = ${organizationId} and id = ${id} and expires_at > ${now}`.execute(db);
  return rows[0];
}

/** The open invitation of an organization to an address, in any case. */
export async function findOpenTo(
  { db }: InstanceTx,
  { organizationId, email, now }: { organizationId: string; email: string; now: Date },
): Promise<InvitationRow | undefined> {
  const { rows } = await sql<InvitationRow>`
    select ${invitationColumns} from invitations
    where organization_id = ${organizationId} and lower(email) = lower(${email}) and expires_at > ${now}`.execute(db);
  return rows[0];
}

/** The open invitation whose token has the hash. */
export async function findOpenByToken(
  { db }: InstanceTx,
  { tokenHash, now }: { tokenHash: Buffer; now: Date },
): Promise<InvitationRow | undefined> {
  const { rows } = await sql<InvitationRow>`
    select ${invitationColumns} from invitations where token_hash = ${tokenHash} and expires_at > ${now}`.execute(db);
  return rows[0];
}

export async function deleteInvitation(
  { db }: InstanceTx,
  { organization_id, id }: Pick<InvitationRow, 'organization_id' | 'id'>,
): Promise<void> {
  await sql`delete from invitations where organization_id = ${organization_id} and id = ${id}`.execute(db);
}

/** Deletes the invitation of an organization to an address. */
export async function deleteInvitationTo(
  { db }: InstanceTx,
  { organizationId, email }: { organizationId: string; email: string },
): Promise<void> {
  await sql`
    delete from invitations
    where organization_id = ${organizationId} and lower(email) = lower(${email})`.execute(db);
}

/** Deletes invitations that have expired; answers how many. */
export async function deleteExpired({ db }: InstanceTx, now: Date): Promise<number> {
  const { numAffectedRows } = await sql`delete from invitations where expires_at <= ${now}`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/** Whoever accepts, as far as an invitation asks. */
export interface Acceptor {
  email: string;
  is_addressee: boolean;
}

/** The account that accepts, and whether the address is its own; undefined where the account is no more. */
export async function findAcceptor(
  { db }: InstanceTx,
  { userId, email }: { userId: string; email: string },
): Promise<Acceptor | undefined> {
  const { rows } = await sql<Acceptor>`
    select email, lower(email) = lower(${email}) as is_addressee from users
    where id = ${userId} and deleted_at is null`.execute(db);
  return rows[0];
}

/** Whoever holds the mailed token reads the mailbox. */
export async function verifyAddress({ db }: InstanceTx, userId: string, now: Date): Promise<void> {
  await sql`update users set email_verified_at = ${now} where id = ${userId} and email_verified_at is null`.execute(db);
}

/** The name and address of whoever invites. */
export function getInviter({ db }: InstanceTx, userId: string): Promise<{ name: string; email: string }> {
  return db.selectFrom('users').select(['name', 'email']).where('id', '=', userId).executeTakeFirstOrThrow();
}
