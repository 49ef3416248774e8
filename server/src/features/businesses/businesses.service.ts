import {
  type addBusiness,
  type addBusinessMetrics,
  type Business,
  type listBusinesses,
  mostDaysBack,
  type updateBusiness,
} from '@almanac/contract/businesses.ts';
import type { EndpointAnswer, EndpointInput } from '@almanac/contract/endpoint.ts';
import { recordAudit } from '#features/audit/index.ts';
import type { MetricsFeature } from '#features/metrics/index.ts';
import { getOrganizationSettings } from '#features/organizations/index.ts';
import { dayAt } from '#kernel/days.ts';
import { newId } from '#kernel/ids.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { IdempotentCall } from '#platform/db/idempotency.ts';
import type { OrganizationTx, Scopes } from '#platform/db/scopes.ts';
import { type AppError, notFound, validationFailed } from '#platform/errors/app-error.ts';
import { type Cursors, type Page, toPage } from '#platform/http/cursor.ts';
import { type Announcing, announceChange } from './announce-change.ts';
import * as store from './businesses.store.ts';
import { computePoints } from './compute-points.ts';
import { addNumbers } from './metrics.store.ts';
import { blankBusiness, readBusiness } from './read-business.ts';

export interface BusinessesOptions extends Announcing {
  scopes: Pick<Scopes, 'inOrganization'>;
  cursors: Cursors;
  /** Writes points into the metric store. */
  recordPoints: MetricsFeature['recordPoints'];
  now: () => Date;
}

type NewBusiness = EndpointInput<typeof addBusiness>['body'];
type BusinessChange = EndpointInput<typeof updateBusiness>['body'];
type Query = EndpointInput<typeof listBusinesses>['query'];
type Addition = EndpointInput<typeof addBusinessMetrics>['body'];
type Added = EndpointAnswer<typeof addBusinessMetrics>;

/** The use cases of businesses: everybody's own alone, whatever their role. All but `list` and `add` throw NOT_FOUND. */
export interface BusinessesService {
  list(principal: UserPrincipal, query: Query): Promise<Page<Business>>;
  get(principal: UserPrincipal, id: string): Promise<Business>;
  /** Throws VALIDATION_ERROR for a place, country or time zone that is none; so does `update`. */
  add(principal: UserPrincipal, sent: NewBusiness, once?: IdempotentCall): Promise<Business>;
  update(principal: UserPrincipal, change: { id: string; body: BusinessChange }): Promise<Business>;
  remove(principal: UserPrincipal, id: string): Promise<{ id: string }>;
  /** Throws VALIDATION_ERROR where nothing is added, or for a day that is ahead or too long ago. */
  addMetrics(principal: UserPrincipal, addition: { id: string; body: Addition }, once?: IdempotentCall): Promise<Added>;
}

export function createBusinessesService(options: BusinessesOptions): BusinessesService {
  const { cursors, now } = options;
  const { inOrganization } = options.scopes;
  return {
    list: async (principal, { limit = 20, cursor }) => {
      const { userId, organizationId } = principal;
      const list = JSON.stringify(['businesses.list', organizationId, userId]);
      const after = cursor === undefined ? undefined : cursors.open<[string, string]>(list, cursor);
      const rows = await inOrganization(principal, (tx) =>
        store.listBusinesses(tx, { userId, after, limit: limit + 1 }),
      );
      const page = toPage(rows, limit, ({ position, id }) => cursors.seal(list, [position, id]));
      return { ...page, items: page.items.map(store.toBusiness) };
    },

    get: async (principal, id) => {
      const row = await inOrganization(principal, (tx) => store.findBusiness(tx, { userId: principal.userId, id }));
      if (!row) throw notFound('business', id);
      return store.toBusiness(row);
    },

    add: (principal, sent, once) => {
      const { userId, organization } = principal;
      const fields = readBusiness(blankBusiness(sent.name, organization.timezone), sent);
      if (!('name' in fields)) throw validationFailed(fields);
      const work = async (tx: OrganizationTx): Promise<Business> => {
        const owned = { userId, id: newId(), now: now() };
        const { version, ...row } = await store.insertBusiness(tx, owned, fields);
        await recordAudit(tx, { action: 'businesses.create', at: owned.now, target: `business:${owned.id}` });
        const business = store.toBusiness(row);
        announceChange(tx, { userId, told: { type: 'business.created', payload: { business, version } } }, options);
        return business;
      };
      return inOrganization(principal, work, { once });
    },

    update: (principal, { id, body }) =>
      inOrganization(principal, async (tx) => {
        const { userId } = principal;
        const current = await store.lockBusiness(tx, { userId, id });
        if (!current) throw notFound('business', id);
        const fields = readBusiness(current, body);
        if (!('name' in fields)) throw validationFailed(fields);
        const at = now();
        const { version, ...row } = await store.updateBusiness(tx, { id, now: at, previous: current.status }, fields);
        await recordAudit(tx, { action: 'businesses.update', at, target: `business:${id}` });
        const business = store.toBusiness(row);
        announceChange(tx, { userId, told: { type: 'business.updated', payload: { business, version } } }, options);
        return business;
      }),

    remove: (principal, id) =>
      inOrganization(principal, async (tx) => {
        const { userId } = principal;
        const at = now();
        const version = await store.deleteBusiness(tx, { userId, id, now: at });
        if (version === undefined) throw notFound('business', id);
        await recordAudit(tx, { action: 'businesses.delete', at, target: `business:${id}` });
        const payload = { business_id: id, version };
        announceChange(tx, { userId, told: { type: 'business.deleted', payload } }, options);
        return { id };
      }),

    addMetrics: (principal, { id, body }, once) => {
      const { views, messages, invites, responses } = body;
      if ((views ?? messages ?? invites ?? responses) === undefined) throw nothingAdded();
      return inOrganization(principal, (tx) => addMetrics(tx, { principal, id, body }, options), { once });
    },
  };
}

interface AskedAddition {
  principal: UserPrincipal;
  id: string;
  body: Addition;
}

async function addMetrics(
  tx: OrganizationTx,
  { principal, id, body }: AskedAddition,
  options: BusinessesOptions,
): Promise<Added> {
  // The calendar before any row.
  await getOrganizationSettings(tx);
  const { userId } = principal;
  const { views = 0, messages = 0, invites = 0, responses, day } = body;
  const added = { views, messages, invites, responses };
  const now = options.now();
  const measured = await addNumbers(tx, { userId, id, day, added, now });
  if (!measured) throw await findRefusal(tx, { userId, id, day, now });
  await options.recordPoints(tx, computePoints(id, added, measured));
  const { week: _1, recorded_at: _2, totals, version, ...numbers } = measured;
  const payload = {
    business_id: id,
    version,
    day: measured.day,
    added: { ...added, responses: responses ?? 0 },
    totals,
  };
  announceChange(tx, { userId, told: { type: 'business.measured', payload } }, options);
  return { business_id: id, ...numbers, version };
}

/** Why nothing was added. */
async function findRefusal(
  tx: OrganizationTx,
  { userId, id, day, now }: { userId: string; id: string; day: string | undefined; now: Date },
): Promise<AppError> {
  const business = await store.findBusiness(tx, { userId, id });
  if (!business) return notFound('business', id);
  const today = dayAt(now.getTime(), business.timezone);
  const earliest = today.subtract({ days: mostDaysBack });
  const issue = `'${day}' is not a day from ${earliest} to ${today}, today in ${business.timezone}`;
  return validationFailed([{ field: 'day', issue }]);
}

function nothingAdded(): AppError {
  const issue = 'adds nothing; send at least one of views, messages, invites, responses';
  return validationFailed([{ field: 'body', issue }]);
}
