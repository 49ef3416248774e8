import type { DashboardSummary } from '@almanac/contract/dashboard.ts';
import type { Role } from '@almanac/contract/permissions.ts';
import type { InjectOptions, LightMyRequestResponse as Response } from 'fastify';
import { type RawBuilder, sql } from 'kysely';
import { systemPrincipal } from '#platform/access/principal.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import { inject } from './inject.ts';
import type { TestApp, TestMember, TestOrganization } from './make-app.ts';

/** An organization of a test's own, with members whose activity and assessments are written down. */
export interface AnalyticsScene {
  readonly organization: TestOrganization;
  readonly owner: TestMember;
  /** A member who joined at that time; now unless told. */
  join(role?: Role, joinedAt?: Date): Promise<TestMember>;
  /** Sends a request as a member, the owner unless told; one whose token has ended signs in with the system's help. */
  ask(request: InjectOptions, as?: Pick<TestMember, 'headers'>): Promise<Response>;
  /** Posts activity as the owner; fails on any other answer than 202. */
  act(events: readonly object[]): Promise<{ accepted: number; duplicates: number }>;
  summary(query?: Record<string, string | number>): Promise<DashboardSummary>;
  realtime(): Promise<Record<string, unknown>>;
  rows<Row>(statement: RawBuilder<Row>): Promise<Row[]>;
  /** Works in the organization as the system. */
  within<T>(work: (tx: OrganizationTx) => Promise<T>): Promise<T>;
}

/** Makes the scene. */
export async function makeAnalyticsScene(
  it: TestApp,
  settings: Parameters<TestApp['makeOrganization']>[0] = {},
): Promise<AnalyticsScene> {
  const { app, platform } = it;
  const organization = await it.makeOrganization(settings);
  const rows = async <Row>(statement: RawBuilder<Row>) => (await statement.execute(platform.database.root)).rows;
  const join: AnalyticsScene['join'] = async (role = 'member', joinedAt) => {
    const member = await organization.member(role);
    if (joinedAt) {
      await rows(sql`
        update user_organizations set created_at = ${joinedAt}
        where organization_id = ${organization.id} and user_id = ${member.userId}`);
    }
    return member;
  };
  let owner = await join('owner');
  const ask: AnalyticsScene['ask'] = async (request, as) => {
    const send = (headers: TestMember['headers']) =>
      inject(app, { ...request, headers: { ...headers, ...request.headers } });
    const answer = await send((as ?? owner).headers);
    if (answer.statusCode !== 401 || as) return answer;
    // The test has moved the clock past the end of the token.
    owner = { ...(await join('owner')), userId: owner.userId };
    return send(owner.headers);
  };
  const read = async <T>(url: string, query: Record<string, string | number> = {}): Promise<T> => {
    const text = Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]));
    const answer = await ask({ url, query: text });
    if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}: ${answer.body}`);
    return answer.json<T>();
  };
  return {
    organization,
    owner,
    join,
    ask,
    act: async (events) => {
      const answer = await ask({ method: 'POST', url: '/api/activity', body: { events: [...events] } });
      if (answer.statusCode !== 202) throw new Error(`Posting answered ${answer.statusCode}: ${answer.body}`);
      return answer.json();
    },
    summary: (query) => read('/api/dashboard/summary', query),
    realtime: () => read('/api/dashboard/realtime'),
    rows,
    within: (work) => platform.scopes.inOrganization(systemPrincipal(organization.id), work),
  };
}
