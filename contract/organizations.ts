import { Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { Id, Time } from './identity.ts';
import { roles } from './permissions.ts';
import { tiers } from './tiers.ts';

const strict = { additionalProperties: false };
const tag = 'Organizations';
const envelope = 'plain';
const organizationParam = 'id';
const Name = Type.String({ minLength: 1, maxLength: 200 });

const Zone = Type.String({ minLength: 1, maxLength: 100, description: 'a time zone of the IANA database' });
const FirstDay = Type.Integer({ minimum: 1, maximum: 7, description: '1 Monday … 7 Sunday' });

const Organization = Type.Object({
  id: Id,
  slug: Type.String({ maxLength: 200 }),
  name: Type.String(),
  role: Type.Enum([...roles], { description: 'One’s own' }),
  timezone: Type.String({ maxLength: 100 }),
  first_day_of_week: FirstDay,
  subscription_tier: Type.Enum([...tiers]),
  requires_mfa: Type.Boolean(),
  is_demo: Type.Boolean(),
  created_at: Time,
});

const organizationExample = {
  id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5e',
  slug: 'analytical-engines-4f1d2c3b4a',
  name: 'Analytical Engines',
  role: 'owner',
  timezone: 'Europe/London',
  first_day_of_week: 1,
  subscription_tier: 'enterprise',
  requires_mfa: false,
  is_demo: false,
  created_at: '2024-12-16T09:30:00.000Z',
};

export const listOrganizations = defineEndpoint({
  id: 'organizations.list',
  method: 'GET',
  path: '/api/organizations',
  tag,
  envelope,
  summary: 'The organizations one belongs to',
  description: 'Name one of them, by id or slug, in the header X-Organization-Id to act in it.',
  status: 200,
  response: Type.Array(Organization),
  errors: [],
  example: { response: [organizationExample] },
});

export const createOrganization = defineEndpoint({
  id: 'organizations.create',
  method: 'POST',
  path: '/api/organizations',
  tag,
  envelope,
  summary: 'Make an organization and own it',
  description: 'One owns at most 20. It counts in UTC and from Monday unless told.',
  body: Type.Object(
    {
      name: Name,
      timezone: Type.Optional(Zone),
      first_day_of_week: Type.Optional(FirstDay),
    },
    strict,
  ),
  isIdempotent: true,
  status: 201,
  response: Organization,
  errors: ['CONFLICT'],
  example: { body: { name: 'Analytical Engines', timezone: 'Europe/London' }, response: organizationExample },
});

export const updateOrganization = defineEndpoint({
  id: 'organizations.update',
  method: 'PUT',
  path: '/api/organizations/:id',
  organizationParam,
  tag,
  envelope,
  summary: 'Change the name, the calendar, or whether members need a second factor',
  description:
    'With another `timezone` or `first_day_of_week` all that is shown by day or week follows: weeks at once, with new ' +
    'versions; measured values and older activity are counted anew in the background, and say `complete: false` until ' +
    'then. The feed tells of it as `organization.calendar`. `requires_mfa` takes the tier enterprise, and a second factor ' +
    'of the owner who sets it.',
  params: Type.Object({ id: Id }, strict),
  body: Type.Object(
    {
      ...Type.Partial(Type.Omit(Organization, ['name', 'timezone', 'first_day_of_week', 'requires_mfa'])).properties,
      name: Type.Optional(Name),
      timezone: Type.Optional(Zone),
      first_day_of_week: Type.Optional(FirstDay),
      requires_mfa: Type.Optional(Type.Boolean()),
    },
    strict,
  ),
  status: 200,
  response: Organization,
  errors: ['TIER_LIMIT', 'CONFLICT'],
  example: {
    params: { id: organizationExample.id },
    body: { name: 'Analytical Engines', timezone: 'Europe/London' },
    response: organizationExample,
  },
});
