import { type Static, Type } from 'typebox';
import { addition, Business, businessExample, businessPageQuery } from './businesses.ts';
import { defineEndpoint } from './endpoint.ts';
import { Time } from './identity.ts';
import { orNull } from './or-null.ts';

const strict = { additionalProperties: false };
const tag = 'Tenant';
const envelope = 'success';

/** Where Socket.IO serves the tenant's dashboard. */
export const tenantNamespace = '/dashboard';

/** How many full days the trend compares with as many before. */
export const trendDays = 7;

/** The four KPIs over all businesses of a user. */
export const TenantKpis = Type.Object({
  activeBusinesses: Type.Integer({ description: 'businesses with the status active' }),
  responseRate: Type.Number({
    description:
      'responses / invites × 100 of the businesses that tell of responses, messages / invites where none does; at most 100',
  }),
  landlordViews: Type.Integer(),
  messagesTotal: Type.Integer(),
});
export type TenantKpis = Static<typeof TenantKpis>;

const Trend = Type.Object({
  days: Type.Literal(trendDays),
  current: TenantKpis,
  previous: TenantKpis,
  change_percentage: Type.Record(Type.KeyOf(TenantKpis), orNull(Type.Number())),
  change_reason: Type.Record(Type.String(), Type.String(), {
    description: 'by KPI, why it has no percentage: previous_zero',
  }),
  complete: Type.Boolean({ description: 'true: both periods are over' }),
});

/** The KPIs, with what they rest on. */
export const TenantNumbers = Type.Interface([TenantKpis], {
  days: orNull(Type.Integer(), { description: 'the days asked for, today included; null for all time' }),
  trend: Trend,
  as_of: orNull(Time, { description: 'the newest change that they rest on; null before the first' }),
  complete: Type.Boolean({ description: 'false where the days asked for end with the running one' }),
  version: Type.Integer({
    description: 'grows by one with each change of a business or its numbers; 0 before the first',
  }),
});
export type TenantNumbers = Static<typeof TenantNumbers>;

/** The whole dashboard, also what the event `current-state` holds. */
export const TenantDashboard = Type.Object({
  kpis: TenantNumbers,
  businesses: Type.Array(Business),
  total: Type.Integer({ description: 'how many businesses there are' }),
  next_cursor: orNull(Type.String()),
  version: Type.Integer({ description: 'events of this version and below are in it' }),
});
export type TenantDashboard = Static<typeof TenantDashboard>;

const Days = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 366, description: 'only the last days, today included; all time without it' }),
);

const numbersExample = {
  activeBusinesses: 5,
  responseRate: 75.5,
  landlordViews: 1234,
  messagesTotal: 89,
  days: null,
  trend: {
    days: trendDays,
    current: { activeBusinesses: 5, responseRate: 80, landlordViews: 210, messagesTotal: 12 },
    previous: { activeBusinesses: 4, responseRate: 75, landlordViews: 140, messagesTotal: 0 },
    change_percentage: { activeBusinesses: 25, responseRate: 6.7, landlordViews: 50, messagesTotal: null },
    change_reason: { messagesTotal: 'previous_zero' },
    complete: true,
  },
  as_of: '2024-12-18T10:15:02.000Z',
  complete: true,
  version: 17,
} satisfies TenantNumbers;

const description =
  'For accounts of the type tenant. Days are those of each business’s time zone. `trend` compares the last 7 full days ' +
  'with the 7 before; active businesses are those at the end of each.';

export const getTenantDashboard = defineEndpoint({
  id: 'tenant.dashboard',
  method: 'GET',
  path: '/api/dashboard/tenant',
  tag,
  envelope,
  summary: 'KPIs over all one’s businesses, and the newest of these',
  description,
  query: Type.Object({ days: Days, ...businessPageQuery }, strict),
  status: 200,
  response: TenantDashboard,
  errors: [],
  example: {
    query: { limit: 20 },
    response: { kpis: numbersExample, businesses: [businessExample], total: 1, next_cursor: null, version: 17 },
  },
});

export const getTenantKpis = defineEndpoint({
  id: 'tenant.kpis',
  method: 'GET',
  path: '/api/dashboard/tenant/kpis',
  tag,
  envelope,
  summary: 'KPIs over all one’s businesses alone, for polling',
  description: `${description} The ETag is of the version: with If-None-Match the answer is 304 until something changes.`,
  query: Type.Object({ days: Days }, strict),
  status: 200,
  response: TenantNumbers,
  errors: [],
  example: { query: {}, response: numbersExample },
});

const Version = Type.Integer({ description: 'that of the change: grows by one, without a hole' });

/** What the namespace sends, by event. */
export const tenantEvents = {
  /** The connection serves from here on; what is later comes as events. */
  connected: Type.Object({ version: Version }),
  /** The connection goes on: what was missed came before it, or is to be asked for as the current state. */
  reconnected: Type.Object({ recovered: Type.Boolean(), version: Version }),
  'kpi:update': Type.Interface([TenantKpis], { version: Version }),
  'business:created': Type.Interface([Business], { version: Version }),
  'business:updated': Type.Interface([Business], { version: Version }),
  'business:deleted': Type.Object({ businessId: Type.String({ format: 'uuid' }), version: Version }),
  'metrics:updated': Type.Object({
    businessId: Type.String({ format: 'uuid' }),
    version: Version,
    ...addition,
  }),
  'current-state': TenantDashboard,
} as const;

/** The payload of an event of the namespace. */
export type TenantEvent<Name extends keyof typeof tenantEvents> = Static<(typeof tenantEvents)[Name]>;
