import type { accountTypes } from '@almanac/contract/identity.ts';
import type { Role } from '@almanac/contract/permissions.ts';
import type { Tier } from '@almanac/contract/tiers.ts';
import type { ColumnType, Generated } from 'kysely';

interface UserTable {
  id: string;
  email: string;
  name: string;
  password_hash: string | null;
  account_type: Generated<(typeof accountTypes)[number]>;
  is_instance_admin: Generated<boolean>;
  subscription_tier: Generated<Tier>;
  email_verified_at: Date | null;
  own_organization_id: string | null;
  password_changed_at: Date | null;
  mfa_secret: string | null;
  mfa_enabled_at: Date | null;
  mfa_last_step: number | null;
  preferences: ColumnType<Record<string, unknown>, never, never>;
  created_at: ColumnType<Date, Date | undefined, never>;
  deleted_at: Date | null;
}

interface MembershipTable {
  organization_id: string;
  user_id: string;
  role: Role;
  is_active: Generated<boolean>;
  created_at: ColumnType<Date, Date | undefined, never>;
}

interface SessionTable {
  id: string;
  user_id: string;
  refresh_token_hash: Uint8Array;
  refresh_count: Generated<number>;
  rotated_at: Date | null;
  address: string | null;
  user_agent: string | null;
  created_at: ColumnType<Date, Date | undefined, never>;
  last_used_at: ColumnType<Date, Date | undefined, Date>;
  expires_at: Date;
  revoked_at: Date | null;
  end_reason: SessionEndReason | null;
}

/** Why a session was ended before its time. */
export type SessionEndReason = 'logout' | 'reuse' | 'password' | 'revoked' | 'erased';

interface MailedTokenTable {
  id: string;
  user_id: string;
  purpose: MailedPurpose;
  token_hash: Uint8Array;
  created_at: Date;
  expires_at: Date;
  used_at: Date | null;
}

/** What a mailed token is for. */
export type MailedPurpose = 'reset_password' | 'verify_email';

interface IdentityTable {
  issuer: string;
  subject: string;
  user_id: string;
  created_at: ColumnType<Date, Date | undefined, never>;
}

declare module '#platform/db/tables.ts' {
  interface Tables {
    users: UserTable;
    user_organizations: MembershipTable;
    user_sessions: SessionTable;
    mailed_tokens: MailedTokenTable;
    user_identities: IdentityTable;
  }
}
