import { columnsOf, type PersonalData } from '#platform/privacy/personal-data.ts';
import type { KeyRow } from './api-keys.store.ts';

const handedOut = ['id', 'user_id', 'name', 'prefix', 'scopes', 'created_at', 'expires_at', 'last_used_at'] as const;

/** The person's API keys in all organizations, without the keys. They go with the memberships. */
export const apiKeysPersonalData: PersonalData<Omit<KeyRow, 'user_id'> & { organization_id: string }> = {
  section: 'api_keys',
  covers: columnsOf('api_keys', [...handedOut, 'key_hash']),
  list: ({ db }, { userId }, { after, limit }) =>
    db
      .selectFrom('api_keys')
      .select(['organization_id', 'id', 'name', 'prefix', 'scopes', 'created_at', 'expires_at', 'last_used_at'])
      .where('user_id', '=', userId)
      .$if(after !== undefined, (query) => query.where('id', '>', after?.id ?? ''))
      .orderBy('id')
      .limit(limit)
      .execute(),
};
