import type { User } from '@almanac/contract/identity.ts';
import type { Static } from 'typebox';
import type { UserRow } from './accounts.store.ts';

/** An account as its owner sees it. */
export type UserView = Static<typeof User>;

export function shapeUser(user: UserRow): UserView {
  const { id, email, name, account_type, is_instance_admin, subscription_tier } = user;
  return {
    id,
    email,
    name,
    account_type,
    is_instance_admin,
    subscription_tier,
    email_verified_at: user.email_verified_at?.toISOString() ?? null,
    mfa_enabled: user.mfa_enabled_at !== null,
    created_at: user.created_at.toISOString(),
  };
}
