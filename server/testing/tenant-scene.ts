import type { Business } from '@almanac/contract/businesses.ts';
import type { TenantDashboard, TenantNumbers } from '@almanac/contract/tenant.ts';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { inject } from './inject.ts';
import type { TestApp, TestMember, TestOrganization } from './make-app.ts';

/** What is added to a business's day. */
export interface SentNumbers {
  views?: number;
  messages?: number;
  invites?: number;
  responses?: number;
  day?: string;
}

/** Somebody who runs businesses, with the requests about them; each fails on any other answer than success. */
export interface Tenant extends TestMember {
  readonly organization: TestOrganization;
  /** Sends a request as the tenant. */
  ask(request: InjectOptions): Promise<LightMyRequestResponse>;
  make(fields?: object): Promise<Business>;
  change(id: string, fields: object): Promise<Business>;
  remove(id: string): Promise<void>;
  add(id: string, numbers: SentNumbers, headers?: Record<string, string>): Promise<{ version: number; day: string }>;
  kpis(query?: Record<string, string>): Promise<TenantNumbers>;
  dashboard(query?: Record<string, string>): Promise<TenantDashboard>;
}

type Settings = Parameters<TestApp['makeOrganization']>[0];

/** Makes a tenant, who is a member of an organization of the test's own unless one is given. */
export async function makeTenant(
  it: Pick<TestApp, 'app' | 'makeOrganization'>,
  { organization, ...settings }: Settings & { organization?: TestOrganization } = {},
): Promise<Tenant> {
  const within = organization ?? (await it.makeOrganization(settings));
  return actAs(it, within, await within.member('member', 'tenant'));
}

/** The requests of a member. */
export function actAs({ app }: Pick<TestApp, 'app'>, organization: TestOrganization, member: TestMember): Tenant {
  const ask: Tenant['ask'] = (request) =>
    inject(app, { ...request, headers: { ...member.headers, ...request.headers } });
  const send = async <T>(request: InjectOptions): Promise<T> => {
    const answer = await ask(request);
    if (answer.statusCode >= 300) throw new Error(`${request.url} answered ${answer.statusCode}: ${answer.body}`);
    return answer.json<{ data: T }>().data;
  };
  return {
    ...member,
    organization,
    ask,
    make: (fields = {}) => send({ method: 'POST', url: '/api/businesses', body: { name: 'Harbour Lofts', ...fields } }),
    change: (id, fields) => send({ method: 'PUT', url: `/api/businesses/${id}`, body: fields }),
    remove: async (id) => void (await send({ method: 'DELETE', url: `/api/businesses/${id}` })),
    add: (id, numbers, headers = {}) =>
      send({ method: 'POST', url: `/api/businesses/${id}/metrics`, body: numbers, headers }),
    kpis: (query = {}) => send({ url: '/api/dashboard/tenant/kpis', query }),
    dashboard: (query = {}) => send({ url: '/api/dashboard/tenant', query }),
  };
}

/** The four KPIs of an answer. */
export function fourOf({ activeBusinesses, responseRate, landlordViews, messagesTotal }: TenantNumbers) {
  return { activeBusinesses, responseRate, landlordViews, messagesTotal };
}
