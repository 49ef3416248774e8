import { Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { roles } from './permissions.ts';

const strict = { additionalProperties: false };

const Email = Type.String({ format: 'email', maxLength: 254, description: 'an e-mail address' });
const Password = Type.String({ minLength: 8, maxLength: 128 });

export const accountTypes = ['standard', 'tenant', 'landlord'] as const;

/** An account as its owner sees it. */
export const User = Type.Object({
  id: Type.String({ format: 'uuid' }),
  email: Type.String(),
  name: Type.String(),
  account_type: Type.Enum([...accountTypes]),
  is_instance_admin: Type.Boolean(),
  subscription_tier: Type.Enum(['free', 'pro', 'enterprise']),
  created_at: Type.String({ format: 'date-time' }),
});

const Session = Type.Object({
  user: User,
  access_token: Type.String({ description: 'JWT for `Authorization: Bearer`' }),
  refresh_token: Type.String({ description: 'Works once; each use answers the next one' }),
  expires_in: Type.Integer({ description: 'Seconds that the access token lasts' }),
  token_type: Type.Literal('Bearer'),
});

const userExample = {
  id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5a',
  email: 'ada@example.org',
  name: 'Ada',
  account_type: 'standard',
  is_instance_admin: true,
  subscription_tier: 'free',
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
      name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
      account_type: Type.Optional(Type.Enum([...accountTypes])),
      organization_name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
      setup_token: Type.Optional(
        Type.String({ maxLength: 200, description: 'Needed in production for the first account' }),
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
  body: Type.Object({ email: Type.String({ maxLength: 254 }), password: Type.String({ maxLength: 128 }) }, strict),
  status: 200,
  response: Session,
  errors: ['INVALID_CREDENTIALS'],
  example: { body: { email: 'ada@example.org', password: 'correct horse battery' }, response: sessionExample },
});

export const refresh = defineEndpoint({
  id: 'identity.refresh',
  method: 'POST',
  path: '/auth/refresh',
  tag,
  envelope,
  summary: 'Exchange a refresh token for new tokens',
  description: 'The token comes in the body or in the cookie, and works once.',
  body: Type.Object({ refresh_token: Type.Optional(Type.String({ maxLength: 200 })) }, strict),
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
  summary: 'End this session',
  status: 204,
  response: Type.Null(),
  errors: [],
  example: { response: null },
});

export const getProfile = defineEndpoint({
  id: 'identity.getProfile',
  method: 'GET',
  path: '/users/profile',
  tag,
  envelope,
  summary: 'One’s own account',
  status: 200,
  response: User,
  errors: [],
  example: { response: userExample },
});

export const listOrganizations = defineEndpoint({
  id: 'organizations.list',
  method: 'GET',
  path: '/api/organizations',
  tag: 'Organizations',
  envelope,
  summary: 'The organizations one belongs to',
  description: 'Name one of them, by id or slug, in the header X-Organization-Id to act in it.',
  status: 200,
  response: Type.Array(
    Type.Object({
      id: Type.String({ format: 'uuid' }),
      slug: Type.String(),
      name: Type.String(),
      role: Type.Enum([...roles]),
      timezone: Type.String(),
      first_day_of_week: Type.Integer({ minimum: 1, maximum: 7, description: '1 Monday … 7 Sunday' }),
      is_demo: Type.Boolean(),
    }),
  ),
  errors: [],
  example: {
    response: [
      {
        id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5a',
        slug: 'demo',
        name: 'Demo',
        role: 'viewer',
        timezone: 'UTC',
        first_day_of_week: 1,
        is_demo: true,
      },
    ],
  },
});
