import type { PendingReview, WeekComparison, WeeklyData } from '@almanac/contract/weekly.ts';
import type { InjectOptions, LightMyRequestResponse as Response } from 'fastify';
import { systemPrincipal } from '#platform/access/principal.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import type { TestApp, TestMember, TestOrganization } from './make-app.ts';

/** An item as a client posts it; what is left out is filled in. */
export interface SentItem {
  kind: 'upload' | 'update' | 'decision' | 'completion' | 'review';
  title: string;
  author: string;
  occurred_at: string;
  category?: string;
  impact?: 'high' | 'medium' | 'low';
  status?: string;
  url?: string | null;
  external_id?: string;
  resolved_at?: string | null;
}

/** An organization of a test's own with a member, and the weekly dashboard's requests of that member. */
export interface WeeklyScene {
  readonly organization: TestOrganization;
  readonly headers: TestMember['headers'];
  request(request: InjectOptions): Promise<Response>;
  post(items: readonly unknown[], headers?: Record<string, string>): Promise<Response>;
  /** The summary's data; fails on any other answer than 200. */
  summary(week?: string): Promise<WeeklyData>;
  stats(week?: string): Promise<WeekComparison>;
  activity(week?: string): Promise<WeeklyData['chartData']['weeklyActivity']>;
  pending(week?: string): Promise<PendingReview[]>;
  /** Works in the organization as the system. */
  within<T>(work: (tx: OrganizationTx) => Promise<T>): Promise<T>;
}

/** An item of an update by Ada, on the Tuesday of 2024-W51 unless told. */
export function sentItem(item: Partial<SentItem> = {}): SentItem {
  return { kind: 'update', title: 'A change', author: 'Ada', occurred_at: '2024-12-17T10:00:00Z', ...item };
}

/** Makes an organization with a member of that role. */
export async function makeWeeklyScene(
  { app, platform, makeOrganization }: TestApp,
  settings: Parameters<TestApp['makeOrganization']>[0] & { role?: 'viewer' | 'member' } = {},
): Promise<WeeklyScene> {
  const organization = await makeOrganization(settings);
  const signIn = async () => (await organization.member(settings.role ?? 'member')).headers;
  let headers = await signIn();
  const request = async (options: InjectOptions): Promise<Response> => {
    const ask = () => Promise.resolve(app.inject({ ...options, headers: { ...headers, ...options.headers } }));
    const answer = await ask();
    if (answer.statusCode !== 401) return answer;
    // The test has moved the clock past the end of the token.
    headers = await signIn();
    return await ask();
  };
  const read = async <T>(path: string, week?: string): Promise<T> => {
    const answer = await request({ url: `/api/weekly/${path}`, query: week === undefined ? {} : { week } });
    if (answer.statusCode !== 200) throw new Error(`${path} answered ${answer.statusCode}: ${answer.body}`);
    return answer.json<{ data: T }>().data;
  };
  return {
    organization,
    get headers() {
      return headers;
    },
    request,
    post: (items, more = {}) =>
      request({ method: 'POST', url: '/api/weekly/items', body: { items: [...items] }, headers: more }),
    summary: (week) => read('summary', week),
    stats: (week) => read('stats', week),
    activity: (week) => read('activity', week),
    pending: (week) => read('pending', week),
    within: (work) => platform.scopes.inOrganization(systemPrincipal(organization.id), work),
  };
}

/** The part of the weekly object that its data alone decides. */
export function lasting({ generated: _1, as_of: _2, version: _3, week, ...rest }: WeeklyData): unknown {
  const { elapsed_fraction: _4, ...lastingWeek } = week;
  return { ...rest, week: lastingWeek };
}
