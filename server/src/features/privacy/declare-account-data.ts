import { sql } from 'kysely';
import { columnsOf, type PersonalData } from '#platform/privacy/personal-data.ts';

/*
 * What the account itself is made of. It stands here and not with identity, because to hand it out and to end it is the
 * core of what this feature does. All of it goes with the account's row.
 */

/** Of `users`, what is handed out as `account`; the second factor declares its own. */
export const accountColumns = [
  'id',
  'email',
  'name',
  'account_type',
  'is_instance_admin',
  'subscription_tier',
  'own_organization_id',
  'email_verified_at',
  'password_changed_at',
  'mfa_enabled_at',
  'preferences',
  'created_at',
  'deleted_at',
] as const;

interface MembershipRow {
  organization_id: string;
  organization_name: string;
  role: string;
  is_active: boolean;
  created_at: Date;
}

const memberships: PersonalData<MembershipRow> = {
  section: 'memberships',
  covers: columnsOf('user_organizations', ['organization_id', 'user_id', 'role', 'is_active', 'created_at']),
  list: ({ db }, { userId }, { after, limit }) =>
    db
      .selectFrom('user_organizations as m')
      .innerJoin('organizations as o', 'o.id', 'm.organization_id')
      .select(['m.organization_id', 'o.name as organization_name', 'm.role', 'm.is_active', 'm.created_at'])
      .where('m.user_id', '=', userId)
      .$if(after !== undefined, (query) => query.where('m.organization_id', '>', after?.organization_id ?? ''))
      .orderBy('m.organization_id')
      .limit(limit)
      .execute(),
};

const sessionColumns = [
  'id',
  'created_at',
  'last_used_at',
  'expires_at',
  'revoked_at',
  'end_reason',
  'rotated_at',
  'refresh_count',
  'address',
  'user_agent',
] as const;

const sessions: PersonalData<{ id: string }> = {
  section: 'sessions',
  covers: columnsOf('user_sessions', [...sessionColumns, 'user_id', 'refresh_token_hash']),
  list: ({ db }, { userId }, { after, limit }) =>
    db
      .selectFrom('user_sessions')
      .select(sessionColumns)
      .where('user_id', '=', userId)
      .$if(after !== undefined, (query) => query.where('id', '>', after?.id ?? ''))
      .orderBy('id')
      .limit(limit)
      .execute(),
};

const mailedTokenColumns = ['id', 'purpose', 'created_at', 'expires_at', 'used_at'] as const;

const mailedTokens: PersonalData<{ id: string }> = {
  section: 'mailed_links',
  covers: columnsOf('mailed_tokens', [...mailedTokenColumns, 'user_id', 'token_hash']),
  list: ({ db }, { userId }, { after, limit }) =>
    db
      .selectFrom('mailed_tokens')
      .select(mailedTokenColumns)
      .where('user_id', '=', userId)
      .$if(after !== undefined, (query) => query.where('id', '>', after?.id ?? ''))
      .orderBy('id')
      .limit(limit)
      .execute(),
};

interface IdentityRow {
  issuer: string;
  subject: string;
  created_at: Date;
}

const identities: PersonalData<IdentityRow> = {
  section: 'outside_identities',
  covers: columnsOf('user_identities', ['issuer', 'subject', 'user_id', 'created_at']),
  list: async ({ db }, { userId }, { after, limit }) => {
    const { rows } = await sql<IdentityRow>`
      select issuer, subject, created_at from user_identities
      where user_id = ${userId} and ${after ? sql`(issuer, subject) > (${after.issuer}, ${after.subject})` : sql`true`}
      order by issuer, subject limit ${limit}`.execute(db);
    return rows;
  },
};

/** The person's memberships, sessions, mailed links and identities elsewhere. */
export const accountData: readonly PersonalData[] = [memberships, sessions, mailedTokens, identities];

/** What else is taken care of with the account: its row. */
export const accountCovers = columnsOf('users', [...accountColumns, 'password_hash']);
