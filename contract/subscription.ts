import { Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { Id } from './identity.ts';
import { orNull } from './or-null.ts';
import { tiers } from './tiers.ts';

const tag = 'Account';
const envelope = 'plain';

const orUnlimited = (description: string) =>
  orNull(Type.Integer(), { description: `${description}; null for no limit` });

const Subscription = Type.Object({
  organization_id: Id,
  tier: Type.Enum([...tiers]),
  entitlements: Type.Object({
    sources: orUnlimited('counted when a smaller tier is taken'),
    members: orUnlimited('counted, with the open invitations, when somebody is invited or added'),
    forecast_days: orUnlimited('stated; nothing is held to it'),
    requests_per_minute: Type.Integer({ description: 'of each member and each API key' }),
    raw_retention_days: orUnlimited('stated; nothing is held to it'),
    required_mfa: Type.Boolean({ description: 'whether members can be asked for a second factor' }),
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
  description:
    'Held are the members, the requests a minute and the second factor. More sources than the tier includes are not ' +
    'refused: they only keep the organization from a smaller tier. Nothing is held to forecasts and retention.',
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
  description:
    'Owners change it. A smaller tier is refused while the organization has more members or sources than it includes, ' +
    'or asks its members for a second factor and it does not include that.',
  body: Type.Object({ tier: Type.Enum([...tiers]) }, { additionalProperties: false }),
  status: 200,
  response: Subscription,
  errors: ['CONFLICT'],
  example: { body: { tier: 'pro' }, response: example },
});
