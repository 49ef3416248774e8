import { Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { orNull } from './or-null.ts';
import { tiers } from './tiers.ts';

const strict = { additionalProperties: false };

export const Email = Type.String({ format: 'email', maxLength: 254, description: 'an e-mail address' });
/** A password to be set. */
export const Password = Type.String({
  minLength: 8,
  maxLength: 128,
  writeOnly: true,
  description: 'none of the 10,000 most common',
});
export const Time = Type.String({ format: 'date-time' });
export const Id = Type.String({ format: 'uuid' });

/** A name: one line that is not blank. */
export const LineOfText = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '^(?=.*\\S)[^\\p{Cc}\\u2028\\u2029]*$',
  description: 'one line of text that is not blank',
});

export const accountTypes = ['standard', 'tenant', 'landlord'] as const;
export type AccountType = (typeof accountTypes)[number];

/** An account as its owner sees it. */
export const User = Type.Object({
  id: Id,
  email: Type.String(),
  name: Type.String(),
  account_type: Type.Enum([...accountTypes]),
  is_instance_admin: Type.Boolean(),
  subscription_tier: Type.Enum([...tiers], { description: 'That of the organization made with the account' }),
  email_verified_at: orNull(Time),
  mfa_enabled: Type.Boolean(),
  created_at: Time,
});

/** What signing in answers. */
export const Session = Type.Object({
  user: User,
  access_token: Type.String({ description: 'JWT for `Authorization: Bearer`' }),
  refresh_token: Type.String({ description: 'Works once; each use answers the next one' }),
  expires_in: Type.Integer({ description: 'Seconds that the access token lasts' }),
  token_type: Type.Literal('Bearer'),
});

export const userExample = {
  id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5a',
  email: 'ada@example.org',
  name: 'Ada',
  account_type: 'standard',
  is_instance_admin: true,
  subscription_tier: 'free',
  email_verified_at: '2024-12-16T09:41:00.000Z',
  mfa_enabled: false,
  created_at: '2024-12-16T09:30:00.000Z',
};

const sessionExample = {
  user: userExample,
  access_token: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTkzOGY2ZSJ9.c2lnbmF0dXJl',
  refresh_token: 'q1Yl0vY3n5mB8sQ2wE4rT6yU8iO0pA1sD3fG5hJ7kL9',
  expires_in: 900,
  token_type: 'Bearer',
};

const tag = 'Identity';
const envelope = 'plain';

/** Six digits of the authenticator, or a recovery code. */
export const MfaCode = Type.String({
  minLength: 6,
  maxLength: 32,
  writeOnly: true,
  description: 'six digits, or a recovery code',
});

export const register = defineEndpoint({
  id: 'identity.register',
  method: 'POST',
  path: '/auth/register',
  tag,
  envelope,
  summary: 'Make an account, with an organization of its own',
  description: 'The first account of an installation administers it and owns the organization `local`.',
  body: Type.Object(
    {
      email: Email,
      password: Password,
      name: Type.Optional(LineOfText),
      account_type: Type.Optional(Type.Enum([...accountTypes])),
      organization_name: Type.Optional(LineOfText),
      setup_token: Type.Optional(
        Type.String({ maxLength: 200, writeOnly: true, description: 'Needed in production for the first account' }),
      ),
    },
    strict,
  ),
  status: 201,
  response: Session,
  errors: ['CONFLICT', 'FORBIDDEN'],
  example: {
    body: { email: 'ada@example.org', password: 'correct horse battery', name: 'Ada' },
    response: sessionExample,
  },
});

export const login = defineEndpoint({
  id: 'identity.login',
  method: 'POST',
  path: '/auth/login',
  tag,
  envelope,
  summary: 'Sign in',
  description:
    'With a second factor on and no `mfa_code`, the answer is 401 `MFA_REQUIRED` with an `mfa_token` in its details: ' +
    'send that with the code to POST /auth/login/mfa within five minutes.',
  body: Type.Object(
    {
      email: Type.String({ maxLength: 254 }),
      password: Type.String({ maxLength: 128, writeOnly: true }),
      mfa_code: Type.Optional(MfaCode),
    },
    strict,
  ),
  status: 200,
  response: Session,
  errors: ['INVALID_CREDENTIALS', 'MFA_REQUIRED'],
  example: { body: { email: 'ada@example.org', password: 'correct horse battery' }, response: sessionExample },
});

export const loginWithCode = defineEndpoint({
  id: 'identity.loginWithCode',
  method: 'POST',
  path: '/auth/login/mfa',
  tag,
  envelope,
  summary: 'Sign in, second step',
  body: Type.Object({ mfa_token: Type.String({ maxLength: 4_096, writeOnly: true }), code: MfaCode }, strict),
  status: 200,
  response: Session,
  errors: ['INVALID_CREDENTIALS', 'INVALID_TOKEN'],
  example: { body: { mfa_token: sessionExample.access_token, code: '492039' }, response: sessionExample },
});

export const refresh = defineEndpoint({
  id: 'identity.refresh',
  method: 'POST',
  path: '/auth/refresh',
  tag,
  envelope,
  summary: 'Exchange a refresh token for new tokens',
  description:
    'The token comes in the body or in the cookie, and works once: presented again it ends the session, except within ' +
    'ten seconds, while its successor is unused, when it answers the same successor.',
  body: Type.Object({ refresh_token: Type.Optional(Type.String({ maxLength: 200, writeOnly: true })) }, strict),
  isBodyOptional: true,
  status: 200,
  response: Session,
  errors: ['INVALID_TOKEN'],
  example: { body: { refresh_token: sessionExample.refresh_token }, response: sessionExample },
});

export const logout = defineEndpoint({
  id: 'identity.logout',
  method: 'POST',
  path: '/auth/logout',
  tag,
  envelope,
  summary: 'End this session, or all of one’s sessions',
  description:
    'The session is that of the access token; where none is left, that of the refresh token, in the body or the cookie. ' +
    'The cookies are cleared either way.',
  body: Type.Object(
    {
      all: Type.Optional(Type.Boolean()),
      refresh_token: Type.Optional(Type.String({ maxLength: 200, writeOnly: true })),
    },
    strict,
  ),
  isBodyOptional: true,
  status: 204,
  response: Type.Null(),
  errors: ['UNAUTHENTICATED', 'INVALID_TOKEN', 'FORBIDDEN', 'NOT_FOUND'],
  example: { body: { all: true }, response: null },
});
