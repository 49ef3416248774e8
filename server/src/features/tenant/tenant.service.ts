import type { EndpointInput } from '@almanac/contract/endpoint.ts';
import { getTenantDashboard, getTenantKpis, type TenantDashboard, type TenantEvent } from '@almanac/contract/tenant.ts';
import { tenantTopic, toBusiness } from '#features/businesses/index.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { CachedAnswer } from '#platform/cache/cached-answer.ts';
import type { Caches } from '#platform/cache/caches.ts';
import type { OrganizationTx, Scopes } from '#platform/db/scopes.ts';
import { createEncoder } from '#platform/http/bind.ts';
import { type Cursors, toPage } from '#platform/http/cursor.ts';
import { shapeNumbers, toKpis } from './shape-numbers.ts';
import { readTenant, readTotals, readVersion, type TenantRow } from './tenant.views.ts';

export interface TenantOptions {
  scopes: Pick<Scopes, 'inOrganization'>;
  caches: Pick<Caches, 'metrics' | 'invalidate'>;
  cursors: Cursors;
  now: () => Date;
}

type DashboardQuery = EndpointInput<typeof getTenantDashboard>['query'];
type Answer = CachedAnswer | Promise<CachedAnswer>;

/** The use cases of a tenant's dashboard. Answers are bytes; those about the first page are kept five minutes. */
export interface TenantService {
  getDashboard(principal: UserPrincipal, query: DashboardQuery): Answer;
  getKpis(principal: UserPrincipal, days?: number): Answer;
  /** The dashboard as an object, of that version or a later one. */
  readDashboard(principal: UserPrincipal, version: number): Promise<TenantDashboard>;
  /** The KPIs alone, of that version or a later one: what is told after each change costs little. */
  readKpis(principal: UserPrincipal, version: number): Promise<TenantEvent<'kpi:update'>>;
  readVersion(principal: UserPrincipal): Promise<number>;
}

/** Raised when the shape of an answer changes, so that no cache serves the old one. */
const schemaVersion = '1';
const firstPage = 20;

type Compute = (tx: OrganizationTx) => Promise<CachedAnswer>;

interface View {
  readonly parts: readonly string[];
  readonly days: number | undefined;
  readonly page: Parameters<typeof readTenant>[1]['page'];
  readonly encode: (row: TenantRow) => Buffer;
}

export function createTenantService(options: TenantOptions): TenantService {
  const { scopes, caches, cursors, now } = options;
  const encodeDashboard = createEncoder(getTenantDashboard);
  const encodeKpis = createEncoder(getTenantKpis);

  const read = ({ parts, days, page, encode }: View, { userId, organizationId }: UserPrincipal): Compute => {
    return async (tx: OrganizationTx) => {
      const row = await readTenant(tx, { userId, now: now(), days, page });
      const until = row.day_ends_at?.getTime();
      // The numbers of days are others once a day is over.
      const etag = `W/"${[organizationId, userId, ...parts, row.version, until ?? ''].join('/')}"`;
      return { body: encode(row), etag, ...(until === undefined ? {} : { validUntil: until }) };
    };
  };
  const cached = (principal: UserPrincipal, parts: readonly string[], compute: Compute): Answer => {
    const { userId, organizationId } = principal;
    const key = { organizationId, topic: tenantTopic(userId), parts: ['tenant:read', ...parts, schemaVersion] };
    return caches.metrics.peek(key) ?? caches.metrics.getOrSet(key, () => scopes.inOrganization(principal, compute));
  };

  const getDashboard = (principal: UserPrincipal, { days, limit = firstPage, cursor }: DashboardQuery): Answer => {
    const { userId, organizationId } = principal;
    const list = JSON.stringify(['tenant.dashboard', organizationId, userId]);
    const after = cursor === undefined ? undefined : cursors.open<[string, string]>(list, cursor);
    const encode = (row: TenantRow) => {
      const { items, next_cursor } = toPage(row.businesses, limit, ({ position, id }) =>
        cursors.seal(list, [position, id]),
      );
      const kpis = shapeNumbers(row, days);
      const { total, version } = row;
      return encodeDashboard({ kpis, businesses: items.map(toBusiness), total, next_cursor, version });
    };
    const parts = ['dashboard', String(days ?? 'all'), String(limit), cursor ?? ''];
    const view = { parts, days, page: { after, limit: limit + 1 }, encode };
    const compute = read(view, principal);
    return after ? scopes.inOrganization(principal, compute) : cached(principal, parts, compute);
  };
  const getKpis = (principal: UserPrincipal, days?: number): Answer => {
    const parts = ['kpis', String(days ?? 'all')];
    const encode = (row: TenantRow) => encodeKpis(shapeNumbers(row, days));
    return cached(principal, parts, read({ parts, days, page: { after: undefined, limit: 0 }, encode }, principal));
  };
  const getUpdate = (principal: UserPrincipal): Answer =>
    cached(principal, ['update'], async (tx) => {
      const { version, active, sums } = await readTotals(tx, principal.userId);
      const data = { ...toKpis(active, sums), version };
      return { body: Buffer.from(JSON.stringify({ data })), etag: `W/"${version}"` };
    });

  const readObject = createObjectReader(options);
  return {
    getDashboard,
    getKpis,
    readDashboard: (principal, version) => readObject(principal, version, () => getDashboard(principal, {})),
    readKpis: (principal, version) => readObject(principal, version, () => getUpdate(principal)),
    readVersion: (principal) => scopes.inOrganization(principal, (tx) => readVersion(tx, principal.userId)),
  };
}

/** Reads an object, of a version or a later one, from the cached bytes; parses them once for all connections. */
function createObjectReader({ caches }: Pick<TenantOptions, 'caches'>) {
  const parsed = new WeakMap<Buffer, unknown>();
  const parse = async <T>(answer: Answer): Promise<T> => {
    const { body } = await answer;
    const known = parsed.get(body) as T | undefined;
    if (known) return known;
    const { data } = JSON.parse(body.toString()) as { data: T };
    parsed.set(body, data);
    return data;
  };
  return async <T extends { version: number }>(
    principal: UserPrincipal,
    version: number,
    get: () => Answer,
  ): Promise<T> => {
    const found = await parse<T>(get());
    if (found.version >= version) return found;
    // Another process made the change, and its word to this one's cache is late or lost.
    await caches.invalidate(principal.organizationId, [tenantTopic(principal.userId)]);
    return parse<T>(get());
  };
}
