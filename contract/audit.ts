import { Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { Id, Time } from './identity.ts';
import { pageOf, pageQuery } from './lists.ts';
import { orNull } from './or-null.ts';

const TextOrNull = orNull(Type.String());

export const listAuditEntries = defineEndpoint({
  id: 'audit.list',
  method: 'GET',
  path: '/api/audit',
  tag: 'Audit',
  envelope: 'plain',
  summary: 'Who read or changed what in the organization, the newest first',
  description:
    'Changes are entered with the transaction that makes them. Reads are entered once an hour for each member and ' +
    'endpoint. No request can change or remove an entry.',
  query: Type.Object(
    {
      from: Type.Optional(Type.String({ format: 'date-time', description: 'entries from here on' })),
      to: Type.Optional(Type.String({ format: 'date-time', description: 'and before here' })),
      actor: Type.Optional(Type.String({ format: 'uuid', description: 'a user’s id' })),
      action: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'such as `members.update`' })),
      ...pageQuery,
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: pageOf(
    Type.Object({
      id: Id,
      at: Time,
      actor: Type.Object({
        kind: Type.Enum(['user', 'api_key', 'anonymous', 'system']),
        id: orNull(Id, { description: 'the user; null once the account is erased' }),
        name: TextOrNull,
        api_key_id: orNull(Id),
      }),
      action: Type.String(),
      target: TextOrNull,
      details: Type.Record(Type.String(), Type.Unknown()),
      address: TextOrNull,
      request_id: TextOrNull,
    }),
  ),
  errors: [],
  example: {
    query: { from: '2024-12-16T00:00:00Z', action: 'members.update' },
    response: {
      items: [
        {
          id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5f',
          at: '2024-12-16T09:30:00.000Z',
          actor: { kind: 'user', id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5a', name: 'Ada', api_key_id: null },
          action: 'members.update',
          target: 'user:01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b60',
          details: { from: 'viewer', to: 'analyst' },
          address: '203.0.113.7',
          request_id: '4k2j1h-2s',
        },
      ],
      next_cursor: null,
    },
  },
});
