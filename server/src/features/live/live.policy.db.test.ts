import { type SubscriptionType, subscriptionTypes } from '@almanac/contract/live.ts';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type AnalyticsScene, makeAnalyticsScene } from '#testing/analytics-scene.ts';
import { type Listener, type LiveScene, makeLiveScene, until } from '#testing/live-scene.ts';

let live: LiveScene;
let scene: AnalyticsScene;
beforeAll(async () => {
  live = await makeLiveScene();
  scene = await makeAnalyticsScene(live.it);
});
afterEach(() => live.leave());
afterAll(() => live.close());

const listen = (member = scene.owner) => live.listen(member, scene.organization);

/** What the client is refused, with the reason. */
async function listRefused(listener: Listener): Promise<Partial<Record<SubscriptionType, unknown>>> {
  const refused: Partial<Record<SubscriptionType, unknown>> = {};
  for (const type of subscriptionTypes) {
    const answer = await listener.ask('subscribe', { type });
    if (answer.success !== true) refused[type] = answer.error;
  }
  expect(listener.socket.connected).toBe(true);
  return refused;
}

describe('Subscriptions are open', () => {
  const system = 'This is for administrators of the installation.';

  test.each(['viewer', 'member', 'admin', 'owner'] as const)('to the role %s, except to the system', async (role) => {
    expect(await listRefused(await listen(await scene.join(role)))).toEqual({ system });
  });

  test('to an administrator of the installation, all of them', async () => {
    const { userId } = live.admin;
    await scene.rows(sql`
      insert into user_organizations (organization_id, user_id, role, created_at)
      values (${scene.organization.id}, ${userId}, 'viewer', ${live.it.clock.now})`);
    expect(await listRefused(await listen(live.admin))).toEqual({});
  });

  test('to the anonymous viewer, except to the system', async () => {
    const listener = await live.listenAs({ organization: 'local' });
    expect(await listRefused(listener)).toEqual({ system: expect.stringContaining('Sign in first') });
  });

  test('to an API key by its scopes', async () => {
    const keyed = async (...scopes: string[]) => {
      const body = { name: 'Live', scopes };
      const answer = await scene.ask({ method: 'POST', url: '/auth/api-keys', body });
      return listRefused(await live.listenAs({ apiKey: answer.json<{ key: string }>().key }));
    };
    const lacks = (scope: string) => expect.stringContaining(`lacks the scope ${scope}`);
    const system = 'An API key cannot do this: sign in.';
    expect(await keyed('metrics:read')).toEqual({
      system,
      dashboard: lacks('dashboard:read'),
      activity: lacks('dashboard:read'),
      reports: lacks('dashboard:read'),
    });
    expect(await keyed('dashboard:read', 'feed:read')).toEqual({ system, metrics: lacks('metrics:read') });
  });

  test('to nobody who lacks the second factor that the organization asks for', async () => {
    const strict = await makeAnalyticsScene(live.it);
    await scene.rows(sql`update organizations set requires_mfa = true where id = ${strict.organization.id}`);
    const refused = await listRefused(await live.listen(strict.owner, strict.organization));
    expect(Object.keys(refused)).toEqual([...subscriptionTypes]);
    expect(refused.dashboard).toContain('second factor');
  });
});

test.each([
  ['subscribe', undefined, 'type: is missing; it is one of dashboard, metrics'],
  ['subscribe', 'dashboard', 'is not an object'],
  ['subscribe', ['dashboard'], 'is not an object'],
  ['subscribe', { type: 'everything' }, "'everything' is not one of dashboard, metrics, system, activity, reports"],
  ['subscribe', { type: 'dashboard', filter: {} }, 'filter: is not taken here; taken are type, filters'],
  ['subscribe', { type: 'dashboard', filters: { metric_type: 'sales' } }, 'taken are organizationId'],
  ['subscribe', { type: 'metrics', filters: { metric_type: { $ne: '' } } }, 'filters.metric_type'],
  ['subscribe', { type: 'metrics', filters: { metric_type: '\0'.repeat(300) } }, 'filters.metric_type'],
  ['subscribe', JSON.parse('{"type": "metrics", "filters": {"__proto__": "x"}}'), 'filters.__proto__: is not taken'],
  ['subscribe', { type: 'metrics', filters: { metric_type: 'x'.repeat(70_000) } }, 'at most 65536 are taken'],
  ['unsubscribe', undefined, 'id: is missing'],
  ['unsubscribe', { id: 7 }, "id: '7' is not of type string"],
  ['unsubscribe', { id: 'no such' }, "There is no subscription 'no such' here."],
])('%s with %j is answered with an error, and the connection goes on', async (event, payload, error) => {
  const listener = await listen();
  const answer = await listener.ask(event, payload);
  expect(answer).toEqual({ success: false, error: expect.stringContaining(error) });
  await until(() => expect(listener.errors).toEqual([answer]));
  await listener.subscribe('dashboard');
});

test('A client cannot name another organization than its own', async () => {
  const { organization } = await makeAnalyticsScene(live.it);
  const answer = await (await listen()).ask('subscribe', {
    type: 'dashboard',
    filters: { organizationId: organization.id },
  });
  const error = expect.stringMatching(/^filters\.organizationId: '.*' is not the organization of this connection/);
  expect(answer).toEqual({ success: false, error });
});
