import { sql } from 'kysely';
import type { InstanceTx, OrganizationTx } from '#platform/db/scopes.ts';
import type { ApiKeyTable } from './api-keys.tables.ts';

/** A key as its organization keeps it. */
export type KeyRow = Omit<ApiKeyTable, 'organization_id' | 'key_hash'>;

type InsertedKey = Omit<KeyRow, 'last_used_at'> & { keyHash: Buffer };

/** Puts a key in unless its owner has `most` already; answers whether it did. */
export async function insertKey(
  { db, organizationId }: OrganizationTx,
  key: InsertedKey,
  most: number,
): Promise<boolean> {
  // The keys of one owner are made one after the other, so that each sees those before it.
  const owner = `api_keys/${organizationId}/${key.user_id}`;
  await sql`select pg_advisory_xact_lock(hashtextextended(${owner}, 0))`.execute(db);
  const { rows } = await sql`
    insert into api_keys (organization_id, id, user_id, name, prefix, key_hash, scopes, created_at, expires_at)
    select ${organizationId}, ${key.id}, ${key.user_id}, ${key.name}, ${key.prefix}, ${key.keyHash},
      ${key.scopes}::text[], ${key.created_at}, ${key.expires_at}
    where (
      select count(*) from api_keys where organization_id = ${organizationId} and user_id = ${key.user_id}) < ${most}
    returning id`.execute(db);
  return rows.length > 0;
}

interface ListedKeys {
  /** One member's keys; those of all without it. */
  ownerId: string | undefined;
  /** The id after which the page begins. */
  after: string | undefined;
  limit: number;
}

/** Keys of the organization, the newest first. */
export function listKeys(
  { db, organizationId }: OrganizationTx,
  { ownerId, after, limit }: ListedKeys,
): Promise<KeyRow[]> {
  return db
    .selectFrom('api_keys')
    .select(['id', 'user_id', 'name', 'prefix', 'scopes', 'created_at', 'expires_at', 'last_used_at'])
    .where('organization_id', '=', organizationId)
    .$if(ownerId !== undefined, (query) => query.where('user_id', '=', ownerId ?? ''))
    .$if(after !== undefined, (query) => query.where('id', '<', after ?? ''))
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}

/** Deletes a key, of one member alone where `ownerId` is given; answers what it was. */
export function deleteKey(
  { db, organizationId }: OrganizationTx,
  { id, ownerId }: { id: string; ownerId: string | undefined },
): Promise<Pick<KeyRow, 'scopes' | 'expires_at'> | undefined> {
  return db
    .deleteFrom('api_keys')
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .$if(ownerId !== undefined, (query) => query.where('user_id', '=', ownerId ?? ''))
    .returning(['scopes', 'expires_at'])
    .executeTakeFirst();
}

/** What a verified key says. */
export interface FoundKey extends Pick<KeyRow, 'id' | 'user_id' | 'scopes' | 'expires_at'> {
  organization_id: string;
}

/** Finds the key of that hash unless it has expired, and notes its use, at most once a minute. */
export async function findKeyAndNoteUse({ db }: InstanceTx, keyHash: Buffer, now: Date): Promise<FoundKey | undefined> {
  const minuteAgo = new Date(now.getTime() - 60_000);
  const { rows } = await sql<FoundKey>`
    with found as (
      select organization_id, id, user_id, scopes, expires_at from api_keys
      where key_hash = ${keyHash} and (expires_at is null or expires_at > ${now})
    ),
    noted as (
      update api_keys k set last_used_at = ${now} from found f
      where k.organization_id = f.organization_id and k.id = f.id
        and (k.last_used_at is null or k.last_used_at <= ${minuteAgo})
    )
    select * from found`.execute(db);
  return rows[0];
}

/** A user in one organization. */
export interface KeyOwner {
  readonly organizationId: string;
  readonly userId: string;
}

/** Deletes the keys of a user in an organization; answers how many there were. */
export async function deleteKeysOf({ db }: InstanceTx, { organizationId, userId }: KeyOwner): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('api_keys')
    .where('organization_id', '=', organizationId)
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}
