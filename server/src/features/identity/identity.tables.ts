import type { accountTypes } from '@almanac/contract/identity.ts';
import type { Role } from '@almanac/contract/permissions.ts';
import type { ColumnType, Generated } from 'kysely';

interface UserTable {
  id: string;
  email: string;
  name: string;
  password_hash: string | null;
  account_type: Generated<(typeof accountTypes)[number]>;
  is_instance_admin: Generated<boolean>;
  subscription_tier: Generated<'free' | 'pro' | 'enterprise'>;
  email_verified_at: Date | null;
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
  refresh_token_hash: Buffer;
  created_at: ColumnType<Date, Date | undefined, never>;
  last_used_at: ColumnType<Date, Date | undefined, Date>;
  expires_at: Date;
  revoked_at: Date | null;
}

declare module '#platform/db/tables.ts' {
  interface Tables {
    users: UserTable;
    user_organizations: MembershipTable;
    user_sessions: SessionTable;
  }
}
