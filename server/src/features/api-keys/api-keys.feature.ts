import { scopes as keyScopes, type Permission } from '@almanac/contract/permissions.ts';
import type { FastifyInstance } from 'fastify';
import { hashOpaqueToken } from '#platform/crypto/opaque-token.ts';
import type { InstanceTx, Scopes } from '#platform/db/scopes.ts';
import { addApiKeyRoutes } from './api-keys.routes.ts';
import { type ApiKeysServiceNeeds, createApiKeysService } from './api-keys.service.ts';
import { deleteKeysOf, findKeyAndNoteUse, type KeyOwner } from './api-keys.store.ts';
import { isKey } from './make-key.ts';

interface ApiKeysNeeds extends ApiKeysServiceNeeds {
  scopes: Scopes;
}

/** What an API key says, once it has verified. */
export interface VerifiedApiKey {
  readonly id: string;
  readonly userId: string;
  /** The one organization that the key is good for. */
  readonly organizationId: string;
  readonly scopes: readonly Permission[];
  readonly expiresAt: Date | undefined;
}

/** API keys: made, shown and ended by members, verified for the authenticator. */
export interface ApiKeysFeature {
  /**
   * What the key says, and notes its use; undefined where it is none, has expired or was ended. Whether its owner is a
   * member still, and as what, is for the caller to find out.
   */
  verify(key: string): Promise<VerifiedApiKey | undefined>;
  /** Ends the keys of a member; answers how many there were. */
  endKeysOf(tx: InstanceTx, member: KeyOwner): Promise<number>;
  addRoutes(app: FastifyInstance): void;
}

export function createApiKeysFeature(needs: ApiKeysNeeds): ApiKeysFeature {
  const { scopes, now } = needs;
  const service = createApiKeysService(needs);
  return {
    verify: async (key) => {
      // Nothing but a key reaches the database, whatever is sent as one.
      if (!isKey(key)) return undefined;
      const found = await scopes.inInstance((tx) => findKeyAndNoteUse(tx, hashOpaqueToken(key), now()));
      return (
        found && {
          id: found.id,
          userId: found.user_id,
          organizationId: found.organization_id,
          scopes: keepScopes(found.scopes),
          expiresAt: found.expires_at ?? undefined,
        }
      );
    },
    endKeysOf: deleteKeysOf,
    addRoutes: (app) => addApiKeyRoutes(app, service),
  };
}

/** Those rights of a stored key that keys can still be given: the table of rights may have changed since. */
function keepScopes(stored: readonly string[]): Permission[] {
  return keyScopes.filter((scope) => stored.includes(scope));
}
