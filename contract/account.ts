import { Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { Email, Id, LineOfText, Password, Time, User, userExample } from './identity.ts';
import { orNull } from './or-null.ts';

const strict = { additionalProperties: false };
const tag = 'Account';
const envelope = 'plain';

const Preferences = Type.Record(Type.String({ minLength: 1, maxLength: 100 }), Type.Unknown(), {
  description: 'whatever a client keeps for the user, at most 16 KiB',
});

const Profile = Type.Object({ ...User.properties, preferences: Preferences });

const profileExample = { ...userExample, preferences: { theme: 'dark' } };

export const getProfile = defineEndpoint({
  id: 'identity.getProfile',
  method: 'GET',
  path: '/users/profile',
  tag,
  envelope,
  summary: 'One’s own account',
  status: 200,
  response: Profile,
  errors: ['NOT_FOUND'],
  example: { response: profileExample },
});

/** What the server alone sets: taken back as it was read. */
const serverOwned = Type.Partial(Type.Omit(User, ['name', 'email']));

export const updateProfile = defineEndpoint({
  id: 'identity.updateProfile',
  method: 'PUT',
  path: '/users/profile',
  tag,
  envelope,
  summary: 'Change the fields given of one’s own account',
  description:
    '`preferences` is replaced as a whole. What the server sets (`account_type`, `subscription_tier` and the like) and ' +
    '`email` may be sent back as they were read; another value is refused.',
  body: Type.Object(
    {
      ...serverOwned.properties,
      email: Type.Optional(Type.String({ maxLength: 254 })),
      name: Type.Optional(LineOfText),
      preferences: Type.Optional(Preferences),
    },
    strict,
  ),
  status: 200,
  response: Profile,
  errors: ['NOT_FOUND'],
  example: { body: { name: 'Ada', preferences: { theme: 'dark' } }, response: profileExample },
});

export const changePassword = defineEndpoint({
  id: 'identity.changePassword',
  method: 'POST',
  path: '/auth/change-password',
  tag,
  envelope,
  summary: 'Change one’s password; ends one’s other sessions',
  body: Type.Object({ current_password: Type.String({ maxLength: 128, writeOnly: true }), password: Password }, strict),
  status: 204,
  response: Type.Null(),
  errors: ['INVALID_CREDENTIALS', 'CONFLICT'],
  example: {
    body: { current_password: 'correct horse battery', password: 'staple of another kind' },
    response: null,
  },
});

export const resetPassword = defineEndpoint({
  id: 'identity.resetPassword',
  method: 'POST',
  path: '/auth/reset-password',
  tag,
  envelope,
  summary: 'Have a link mailed, or set a new password with it',
  description:
    'With `email` the answer is always 202, account or not. The mailed token works once, for 30 minutes; with it and ' +
    'a new `password` the answer is 200, and all sessions of the account end.',
  body: Type.Object(
    {
      email: Type.Optional(Email),
      token: Type.Optional(Type.String({ minLength: 1, maxLength: 200, writeOnly: true })),
      password: Type.Optional(Password),
    },
    strict,
  ),
  status: 202,
  furtherStatuses: [200],
  response: Type.Object({ message: Type.String() }),
  errors: [],
  example: {
    body: { email: 'ada@example.org' },
    response: { message: 'If there is an account for this address, a link is on its way to it.' },
  },
});

export const verifyEmail = defineEndpoint({
  id: 'identity.verifyEmail',
  method: 'POST',
  path: '/auth/verify-email',
  tag,
  envelope,
  summary: 'Prove with a mailed token that the address is one’s own',
  body: Type.Object({ token: Type.String({ minLength: 1, maxLength: 200, writeOnly: true }) }, strict),
  status: 200,
  response: Type.Object({ email: Type.String(), email_verified_at: Time }),
  errors: [],
  example: {
    body: { token: 'q1Yl0vY3n5mB8sQ2wE4rT6yU8iO0pA1sD3fG5hJ7kL9' },
    response: { email: 'ada@example.org', email_verified_at: '2024-12-16T09:41:00.000Z' },
  },
});

export const resendVerification = defineEndpoint({
  id: 'identity.resendVerification',
  method: 'POST',
  path: '/auth/verify-email/resend',
  tag,
  envelope,
  summary: 'Have the link that confirms one’s address mailed again',
  description:
    'It lasts seven days, and the earlier ones stay good. At most three are mailed in 15 minutes, the one of the ' +
    'registration among them. 409 for an address that is confirmed already.',
  status: 202,
  response: Type.Object({ message: Type.String() }),
  errors: ['CONFLICT'],
  example: { response: { message: 'A link to confirm ada@example.org is on its way to it.' } },
});

export const listSessions = defineEndpoint({
  id: 'identity.listSessions',
  method: 'GET',
  path: '/auth/sessions',
  tag,
  envelope,
  summary: 'One’s sessions, the last used first',
  status: 200,
  response: Type.Array(
    Type.Object({
      id: Id,
      created_at: Time,
      last_used_at: Time,
      expires_at: Time,
      address: orNull(Type.String()),
      user_agent: orNull(Type.String()),
      is_current: Type.Boolean(),
    }),
  ),
  errors: [],
  example: {
    response: [
      {
        id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5b',
        created_at: '2024-12-16T09:30:00.000Z',
        last_used_at: '2024-12-18T08:02:11.000Z',
        expires_at: '2025-01-15T09:30:00.000Z',
        address: '203.0.113.7',
        user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0',
        is_current: true,
      },
    ],
  },
});

export const endSession = defineEndpoint({
  id: 'identity.endSession',
  method: 'DELETE',
  path: '/auth/sessions/:id',
  tag,
  envelope,
  summary: 'End one of one’s sessions',
  params: Type.Object({ id: Id }, strict),
  status: 204,
  response: Type.Null(),
  errors: ['NOT_FOUND'],
  example: { params: { id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5b' }, response: null },
});
