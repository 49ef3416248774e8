import { Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { MfaCode } from './identity.ts';

const tag = 'Account';
const envelope = 'plain';

export const exportPersonalData = defineEndpoint({
  id: 'privacy.export',
  method: 'GET',
  path: '/users/export',
  tag,
  envelope,
  summary: 'Everything held about oneself, as one JSON file',
  description:
    'The file ends with `"complete": true`; a file that does not was cut off. Secrets (hashes, keys) are left out.',
  status: 200,
  response: Type.String(),
  files: ['application/json'],
  errors: [],
  example: {
    response:
      '{"exported_at":"2024-12-18T12:00:00.000Z","account":{"id":"01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5a","email":"ada@example.org"},"sessions":[],"complete":true}',
  },
});

export const deleteAccount = defineEndpoint({
  id: 'privacy.deleteAccount',
  method: 'DELETE',
  path: '/users/me',
  tag,
  envelope,
  summary: 'Delete one’s account and what is held about oneself',
  description:
    'Organizations that one is alone in go with it; where others remain without an owner the answer is 409. Audit ' +
    'entries stay, without the identity. Takes the password; an account that signs in elsewhere and has none sends its ' +
    'address instead. With a second factor on, a `code` of it is needed, too. The account ' +
    'stands until all is erased: a deletion that broke off goes on with what is left when it is asked for again.',
  body: Type.Object(
    {
      password: Type.Optional(Type.String({ writeOnly: true, maxLength: 128 })),
      email: Type.Optional(Type.String({ maxLength: 320, description: 'of an account without a password' })),
      code: Type.Optional(MfaCode),
    },
    { additionalProperties: false },
  ),
  status: 204,
  response: Type.Null(),
  errors: ['INVALID_CREDENTIALS', 'CONFLICT'],
  example: { body: { password: 'correct horse battery' }, response: null },
});
