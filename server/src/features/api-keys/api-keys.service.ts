import { isPermitted } from '@almanac/contract/permissions.ts';
import { recordAudit } from '#features/audit/index.ts';
import { newId } from '#kernel/ids.ts';
import { readTime } from '#kernel/read-time.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import { hashOpaqueToken } from '#platform/crypto/opaque-token.ts';
import type { Scopes } from '#platform/db/scopes.ts';
import { conflict, notFound, validationFailed } from '#platform/errors/app-error.ts';
import { type Cursors, type Page, toPage } from '#platform/http/cursor.ts';
import { deleteKey, insertKey, type KeyRow, listKeys } from './api-keys.store.ts';
import { checkNewKey, type WantedKey } from './check-new-key.ts';
import { makeKey } from './make-key.ts';

/** What the keys of members need. */
export interface ApiKeysServiceNeeds {
  scopes: Pick<Scopes, 'inOrganization'>;
  cursors: Cursors;
  now: () => Date;
  /** Has this process look the key up anew. */
  forgetApiKey: (id: string) => void;
}

/** The API keys of an organization's members. */
export interface ApiKeysService {
  /** Makes a key; the answer is the only place where the whole of it ever is. */
  create(principal: UserPrincipal, wanted: WantedKey): Promise<Omit<KeyRow, 'last_used_at'> & { key: string }>;
  /** One's own keys; those of everybody with the right to manage them. */
  list(principal: UserPrincipal, page: { limit: number; cursor: string | undefined }): Promise<Page<KeyRow>>;
  /** Ends a key of one's own, or anybody's with the right to manage them. */
  end(principal: UserPrincipal, id: string): Promise<void>;
}

const mostKeys = 50;

export function createApiKeysService({ scopes, cursors, now, forgetApiKey }: ApiKeysServiceNeeds): ApiKeysService {
  return {
    create: async (principal, wanted) => {
      const at = now();
      const [first, ...rest] = checkNewKey(wanted, { role: principal.role, now: at });
      if (first) throw validationFailed([first, ...rest]);
      const { prefix, key } = makeKey();
      const made = {
        id: newId(),
        user_id: principal.userId,
        name: wanted.name.trim(),
        prefix,
        scopes: [...wanted.scopes],
        created_at: at,
        expires_at: readTime(wanted.expires_at ?? '') ?? null,
      };
      await scopes.inOrganization(principal, async (tx) => {
        if (!(await insertKey(tx, { ...made, keyHash: hashOpaqueToken(key) }, mostKeys))) throw tooManyKeys();
        await recordAudit(tx, { action: 'apiKeys.create', at, target: targetOf(made.id), details: detailsOf(made) });
      });
      return { ...made, key };
    },
    list: (principal, { limit, cursor }) => {
      const ownerId = ownerSeenBy(principal);
      const list = `apiKeys.list/${principal.organizationId}/${ownerId ?? 'all'}`;
      const [after] = cursor === undefined ? [] : cursors.open<[string]>(list, cursor);
      return scopes.inOrganization(principal, async (tx) => {
        const rows = await listKeys(tx, { ownerId, after, limit: limit + 1 });
        return toPage(rows, limit, ({ id }) => cursors.seal(list, [id]));
      });
    },
    end: (principal, id) =>
      scopes.inOrganization(principal, async (tx) => {
        const ended = await deleteKey(tx, { id, ownerId: ownerSeenBy(principal) });
        if (!ended) throw notFound('API key', id);
        await recordAudit(tx, { action: 'apiKeys.delete', at: now(), target: targetOf(id), details: detailsOf(ended) });
        tx.afterPossibleCommit(() => forgetApiKey(id));
      }),
  };
}

/** Whose keys a member may see and end: their own, or undefined for everybody's. */
function ownerSeenBy({ role, userId }: UserPrincipal): string | undefined {
  return isPermitted(role, 'api-keys:manage') ? undefined : userId;
}

function targetOf(id: string): string {
  return `api_key:${id}`;
}

function detailsOf({ scopes, expires_at }: Pick<KeyRow, 'scopes' | 'expires_at'>) {
  return { scopes, expires_at: expires_at?.toISOString() ?? null };
}

function tooManyKeys() {
  return conflict(
    `You have ${mostKeys} API keys in this organization, and there can be no more. End one at DELETE /auth/api-keys/:id.`,
  );
}
