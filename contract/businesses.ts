import { type Static, Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { Id, LineOfText, Time } from './identity.ts';
import { orNull } from './or-null.ts';

const strict = { additionalProperties: false };
const tag = 'Businesses';
const envelope = 'success';

/** What a business can be doing: only an active one counts as such, all of them with their numbers. */
export const businessStatuses = ['active', 'paused', 'archived'] as const;
export type BusinessStatus = (typeof businessStatuses)[number];

/** The most that one call adds to a number: what a double holds exactly is nine thousand million such calls away. */
export const mostAdded = 1_000_000;

/** How many days back numbers are taken. */
export const mostDaysBack = 366;

const Count = Type.Integer({ minimum: 0 });

/** A business as its owner sees it, with the numbers of all its days. */
export const Business = Type.Object({
  id: Id,
  organization_id: Id,
  user_id: Id,
  name: Type.String(),
  industry: orNull(Type.String()),
  location: orNull(Type.String()),
  latitude: orNull(Type.Number()),
  longitude: orNull(Type.Number()),
  country_code: orNull(Type.String()),
  timezone: Type.String(),
  status: Type.Enum([...businessStatuses]),
  views_count: Count,
  messages_count: Count,
  invites_count: Count,
  responses_count: orNull(Count, { description: 'null until responses are told of' }),
  created_at: Time,
  updated_at: Time,
});
export type Business = Static<typeof Business>;

/** How much was added to the numbers of a business's day, and what they come to over all days. */
export const addition = {
  day: Type.String({ format: 'date' }),
  added: Type.Object({
    views: Type.Integer(),
    messages: Type.Integer(),
    invites: Type.Integer(),
    responses: Type.Integer(),
  }),
  totals: Type.Pick(Business, ['views_count', 'messages_count', 'invites_count', 'responses_count']),
} as const;

export const businessExample = {
  id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b61',
  organization_id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5e',
  user_id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5a',
  name: 'Harbour Lofts',
  industry: 'Real estate',
  location: 'Hamburg',
  latitude: 53.5511,
  longitude: 9.9937,
  country_code: 'DE',
  timezone: 'Europe/Berlin',
  status: 'active',
  views_count: 1234,
  messages_count: 89,
  invites_count: 53,
  responses_count: 40,
  created_at: '2024-12-16T09:30:00.000Z',
  updated_at: '2024-12-16T09:30:00.000Z',
} satisfies Business;

const fields = {
  industry: Type.Optional(orNull(LineOfText)),
  location: Type.Optional(orNull(LineOfText)),
  latitude: Type.Optional(orNull(Type.Number({ minimum: -90, maximum: 90 }))),
  longitude: Type.Optional(orNull(Type.Number({ minimum: -180, maximum: 180 }))),
  country_code: Type.Optional(
    orNull(Type.String({ pattern: '^[A-Za-z]{2}$', maxLength: 2, description: 'a country of ISO 3166-1, such as DE' })),
  ),
  timezone: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'an IANA zone' })),
  status: Type.Optional(Type.Enum([...businessStatuses])),
};

/** What every list of businesses takes. */
export const businessPageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
  cursor: Type.Optional(Type.String({ maxLength: 1_000, description: 'the `next_cursor` of the page before' })),
};

export const listBusinesses = defineEndpoint({
  id: 'businesses.list',
  method: 'GET',
  path: '/api/businesses',
  tag,
  envelope,
  summary: 'One’s own businesses in the organization, the newest first',
  query: Type.Object(businessPageQuery, strict),
  status: 200,
  response: Type.Object({ items: Type.Array(Business), next_cursor: orNull(Type.String()) }),
  errors: [],
  example: { query: { limit: 20 }, response: { items: [businessExample], next_cursor: null } },
});

export const addBusiness = defineEndpoint({
  id: 'businesses.create',
  method: 'POST',
  path: '/api/businesses',
  tag,
  envelope,
  summary: 'Make a business',
  description:
    'Only a name is needed. The time zone is the organization’s unless another is given; latitude and longitude are given ' +
    'both or not at all.',
  body: Type.Object({ name: LineOfText, ...fields }, strict),
  isIdempotent: true,
  status: 201,
  response: Business,
  errors: [],
  example: {
    body: { name: 'Harbour Lofts', industry: 'Real estate', location: 'Hamburg', country_code: 'DE' },
    response: businessExample,
  },
});

const byId = Type.Object({ id: Id }, strict);

export const getBusiness = defineEndpoint({
  id: 'businesses.get',
  method: 'GET',
  path: '/api/businesses/:id',
  tag,
  envelope,
  summary: 'One of one’s own businesses',
  params: byId,
  status: 200,
  response: Business,
  errors: ['NOT_FOUND'],
  example: { params: { id: businessExample.id }, response: businessExample },
});

/** What the server alone decides: taken where a client sends back what it has read, and left as it is. */
const ServerOwned = Type.Optional(Type.Unknown({ description: 'not changed by what is sent' }));

export const updateBusiness = defineEndpoint({
  id: 'businesses.update',
  method: 'PUT',
  path: '/api/businesses/:id',
  tag,
  envelope,
  summary: 'Change the fields of a business that are given',
  description:
    'Another time zone counts for the days from now on; those that numbers were written for stay what they were.',
  params: byId,
  body: Type.Object(
    {
      name: Type.Optional(LineOfText),
      ...fields,
      id: ServerOwned,
      organization_id: ServerOwned,
      user_id: ServerOwned,
      views_count: ServerOwned,
      messages_count: ServerOwned,
      invites_count: ServerOwned,
      responses_count: ServerOwned,
      created_at: ServerOwned,
      updated_at: ServerOwned,
    },
    strict,
  ),
  status: 200,
  response: Business,
  errors: ['NOT_FOUND'],
  example: { params: { id: businessExample.id }, body: { status: 'active' }, response: businessExample },
});

export const deleteBusiness = defineEndpoint({
  id: 'businesses.delete',
  method: 'DELETE',
  path: '/api/businesses/:id',
  tag,
  envelope,
  summary: 'Delete a business with its numbers',
  description:
    'The KPIs no longer count it. Archive it instead to keep its numbers in them. What was measured of it stays in the ' +
    'metric store, as the organization’s past.',
  params: byId,
  status: 200,
  response: Type.Object({ id: Id }),
  errors: ['NOT_FOUND'],
  example: { params: { id: businessExample.id }, response: { id: businessExample.id } },
});

const Added = Type.Optional(Type.Integer({ minimum: 0, maximum: mostAdded }));

export const addBusinessMetrics = defineEndpoint({
  id: 'businesses.addMetrics',
  method: 'POST',
  path: '/api/businesses/:id/metrics',
  tag,
  envelope,
  summary: 'Add to the numbers of a business’s day',
  description:
    'What is sent is added, so that nothing is lost among several writers; with an Idempotency-Key a repeated call counts ' +
    'once. The day is one of the business’s time zone, today unless told. From the first call with `responses`, 0 ' +
    'included, the response rate of the business rests on them and no longer on messages.',
  params: byId,
  body: Type.Object(
    {
      views: Added,
      messages: Added,
      invites: Added,
      responses: Added,
      day: Type.Optional(
        Type.String({ format: 'date', description: `not later than today, nor more than ${mostDaysBack} days ago` }),
      ),
    },
    strict,
  ),
  isIdempotent: true,
  status: 200,
  response: Type.Object({
    business_id: Id,
    day: Type.String({ format: 'date' }),
    views_count: Count,
    messages_count: Count,
    invites_count: Count,
    responses_count: orNull(Count, { description: 'null until responses are told of' }),
    version: Type.Integer({ description: 'of one’s businesses and their numbers: grows by one with each change' }),
  }),
  errors: ['NOT_FOUND'],
  example: {
    params: { id: businessExample.id },
    body: { views: 3, messages: 1 },
    response: {
      business_id: businessExample.id,
      day: '2024-12-18',
      views_count: 41,
      messages_count: 4,
      invites_count: 2,
      responses_count: 1,
      version: 17,
    },
  },
});
