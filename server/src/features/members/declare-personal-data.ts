import { sql } from 'kysely';
import { columnsOf, type PersonalData } from '#platform/privacy/personal-data.ts';

interface InvitationRow {
  organization_id: string;
  id: string;
  email: string;
  role: string;
  is_from_you: boolean;
  created_at: Date;
  expires_at: Date;
}

/**
 * Invitations from the person, which nobody can accept once the person is gone, and to the person's address. Those to an
 * address that nobody has confirmed may be meant for somebody else: they are neither handed out nor erased.
 */
export const invitationsPersonalData: PersonalData<InvitationRow> = {
  section: 'invitations',
  covers: columnsOf('invitations', ['email', 'invited_by', 'role', 'token_hash']),
  list: async ({ db }, { userId, email, isEmailVerified }, { after, limit }) => {
    const { rows } = await sql<InvitationRow>`
      select organization_id, id, email, role, invited_by is not distinct from ${userId}::uuid as is_from_you,
        created_at, expires_at
      from invitations
      where (invited_by = ${userId} or (${isEmailVerified} and lower(email) = lower(${email})))
        and ${after ? sql`id > ${after.id}::uuid` : sql`true`}
      order by id limit ${limit}`.execute(db);
    return rows;
  },
  erase: async ({ db }, { userId, email, isEmailVerified }) => {
    await sql`
      delete from invitations
      where invited_by = ${userId} or (${isEmailVerified} and lower(email) = lower(${email}))`.execute(db);
  },
};
