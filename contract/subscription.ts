import { type TSchema, Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { Id } from './identity.ts';
import { tiers } from './tiers.ts';

const tag = 'Account';
const envelope = 'plain';

const orUnlimited = <Schema extends TSchema>(schema: Schema) =>
  Type.Union([schema, Type.Null()], { description: 'null for no limit' });

const Subscription = Type.Object({
  organization_id: Id,
  tier: Type.Enum([...tiers]),
  entitlements: Type.Object({
    sources: orUnlimited(Type.Integer()),
    members: orUnlimited(Type.Integer()),
    forecast_days: orUnlimited(Type.Integer()),
    requests_per_minute: Type.Integer({ description: 'of each member and each API key' }),
    raw_retention_days: orUnlimited(Type.Integer()),
    required_mfa: Type.Boolean(),
  }),
  usage: Type.Object({ sources: Type.Integer(), members: Type.Integer() }),
});

const example = {
  organization_id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5e',
  tier: 'pro',
  entitlements: {
    sources: 25,
    members: 25,
    forecast_days: 90,
    requests_per_minute: 600,
    raw_retention_days: 730,
    required_mfa: false,
  },
  usage: { sources: 1, members: 4 },
};

export const getSubscription = defineEndpoint({
  id: 'subscription.get',
  method: 'GET',
  path: '/users/subscription',
  tag,
  envelope,
  summary: 'The tier of the organization acted in, what it includes and what of it is used',
  status: 200,
  response: Subscription,
  errors: [],
  example: { response: example },
});

export const changeTier = defineEndpoint({
  id: 'subscription.change',
  method: 'POST',
  path: '/users/upgrade',
  tag,
  envelope,
  summary: 'Change the tier of the organization acted in, at once',
  description: 'A smaller tier is refused while more is used than it includes.',
  body: Type.Object({ tier: Type.Enum([...tiers]) }, { additionalProperties: false }),
  status: 200,
  response: Subscription,
  errors: ['CONFLICT'],
  example: { body: { tier: 'pro' }, response: example },
});
