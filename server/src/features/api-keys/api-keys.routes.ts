import { createApiKey, deleteApiKey, listApiKeys } from '@almanac/contract/api-keys.ts';
import type { FastifyInstance } from 'fastify';
import { AnswerWithHeaders } from '#platform/http/answers.ts';
import { bind } from '#platform/http/bind.ts';
import type { ApiKeysService } from './api-keys.service.ts';
import type { KeyRow } from './api-keys.store.ts';

/** POST, GET /auth/api-keys; DELETE /auth/api-keys/:id. */
export function addApiKeyRoutes(app: FastifyInstance, service: ApiKeysService): void {
  bind(app, createApiKey, {
    access: 'api-keys:own',
    handle: async ({ principal, body }) => {
      const made = await service.create(principal, body);
      return new AnswerWithHeaders({ ...describeKey(made), key: made.key }, { 'cache-control': 'no-store' });
    },
  });
  bind(app, listApiKeys, {
    access: 'api-keys:own',
    handle: async ({ principal, query: { limit = 100, cursor } }) => {
      const { items, next_cursor } = await service.list(principal, { limit, cursor });
      return { items: items.map(describeListedKey), next_cursor };
    },
  });
  bind(app, deleteApiKey, {
    access: 'api-keys:own',
    handle: async ({ principal, params }) => {
      await service.end(principal, params.id);
      return null;
    },
  });
}

function describeKey({ id, name, prefix, scopes, expires_at }: Omit<KeyRow, 'last_used_at'>) {
  return { id, name, prefix, scopes, expires_at: expires_at?.toISOString() ?? null };
}

function describeListedKey(key: KeyRow) {
  return {
    ...describeKey(key),
    user_id: key.user_id,
    created_at: key.created_at.toISOString(),
    last_used_at: key.last_used_at?.toISOString() ?? null,
  };
}
