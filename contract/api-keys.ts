import { Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { Id, Time } from './identity.ts';
import { pageOf, pageQuery } from './lists.ts';
import { orNull } from './or-null.ts';
import { scopes } from './permissions.ts';

const strict = { additionalProperties: false };
const tag = 'API keys';
const envelope = 'plain';

const Scopes = Type.Array(Type.Enum(scopes), { minItems: 1, maxItems: 50, uniqueItems: true });
const orNever = orNull(Time);

const keyFields = {
  id: Id,
  name: Type.String(),
  prefix: Type.String({ description: 'The beginning of the key, to tell keys apart by' }),
  scopes: Type.Array(Type.String()),
  expires_at: orNever,
};

const keyExample = {
  id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5c',
  name: 'Continuous integration',
  prefix: 'alm_7Qm2xKp9',
  scopes: ['weekly:read', 'weekly:write'],
  expires_at: '2025-12-16T00:00:00.000Z',
};

export const createApiKey = defineEndpoint({
  id: 'apiKeys.create',
  method: 'POST',
  path: '/auth/api-keys',
  tag,
  envelope,
  summary: 'Make an API key for the organization acted in',
  description:
    'Sent as `X-API-Key`. It may do what its scopes and the role of its owner both allow, as long as the owner is a ' +
    'member. The key itself is answered here once and kept only as a hash. A member has at most 50 in an organization.',
  body: Type.Object(
    {
      name: Type.String({ minLength: 1, maxLength: 100 }),
      scopes: Scopes,
      expires_at: Type.Optional(orNull(Time, { description: 'at most 5 years ahead' })),
    },
    strict,
  ),
  status: 201,
  response: Type.Object({ ...keyFields, key: Type.String() }),
  errors: ['CONFLICT'],
  example: {
    body: { name: keyExample.name, scopes: keyExample.scopes, expires_at: keyExample.expires_at },
    response: { ...keyExample, key: 'alm_7Qm2xKp9_q1Yl0vY3n5mB8sQ2wE4rT6yU8iO0pA1sD3fG5hJ7kL8' },
  },
});

export const listApiKeys = defineEndpoint({
  id: 'apiKeys.list',
  method: 'GET',
  path: '/auth/api-keys',
  tag,
  envelope,
  summary: 'One’s API keys in the organization, the newest first; for admins, everybody’s',
  query: Type.Object(pageQuery, strict),
  status: 200,
  response: pageOf(Type.Object({ ...keyFields, user_id: Id, created_at: Time, last_used_at: orNever })),
  errors: [],
  example: {
    query: {},
    response: {
      items: [
        {
          ...keyExample,
          user_id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5a',
          created_at: '2024-12-16T09:30:00.000Z',
          last_used_at: null,
        },
      ],
      next_cursor: null,
    },
  },
});

export const deleteApiKey = defineEndpoint({
  id: 'apiKeys.delete',
  method: 'DELETE',
  path: '/auth/api-keys/:id',
  tag,
  envelope,
  summary: 'End an API key of one’s own; admins may end anybody’s',
  description: 'It is refused everywhere within five seconds.',
  params: Type.Object({ id: Id }, strict),
  status: 204,
  response: Type.Null(),
  errors: ['NOT_FOUND'],
  example: { params: { id: keyExample.id }, response: null },
});
