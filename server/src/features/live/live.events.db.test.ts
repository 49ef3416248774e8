import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import type { FeedDraft } from '#platform/feed/feed.ts';
import { type AnalyticsScene, makeAnalyticsScene } from '#testing/analytics-scene.ts';
import { type Listener, type LiveScene, makeLiveScene, until } from '#testing/live-scene.ts';

let live: LiveScene;
let scene: AnalyticsScene;
beforeAll(async () => {
  live = await makeLiveScene();
});
beforeEach(async () => {
  scene = await makeAnalyticsScene(live.it);
});
afterEach(() => live.leave());
afterAll(() => live.close());

const listen = (member = scene.owner) => live.listen(member, scene.organization);
const publish = (...drafts: FeedDraft[]) =>
  scene.within(async (tx) => {
    for (const draft of drafts) live.it.platform.feed.publish(tx, draft);
  });
const report = (title: string, report_id: string = newId()): FeedDraft => ({
  type: 'report_ready',
  payload: { report_id, status: 'generated', title },
});
const activity = { activity_type: 'login', created_at: '2025-03-31T09:00:00Z' };

function post(...points: { metric_type?: string; metric_name: string }[]) {
  const body = { points: points.map((point) => ({ metric_type: 'sales', metric_value: 1, ...point })) };
  return scene.ask({ method: 'POST', url: '/api/dashboard/metrics', body });
}

const names = ({ messages }: Listener) => messages.map(({ type }) => type);
const titles = ({ messages }: Listener) => messages.map(({ payload }) => (payload as { title: string }).title);

/** Nothing more is on its way to a client once it has answered after somebody else was told. */
async function settle(quiet: Listener): Promise<void> {
  const witness = await listen();
  await witness.subscribe('reports');
  await publish(report('settled'));
  await until(() => expect(titles(witness)).toContain('settled'));
  await quiet.ask('unknown');
}

describe('A subscriber', () => {
  test('of the dashboard is sent the summary when activity, points, assessments or members change it', async () => {
    const listener = await listen();
    await listener.subscribe('dashboard', { organizationId: scene.organization.id });
    await scene.act([{ ...activity, user_id: scene.owner.userId }]);
    await until(() => expect(listener.messages).toHaveLength(1));
    const [message] = listener.messages;
    expect(message).toEqual({
      id: expect.any(Number),
      type: 'dashboard_update',
      organizationId: scene.organization.id,
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      payload: await scene.summary(),
    });
    const member = await scene.join();
    const leave = {
      method: 'DELETE',
      url: `/api/organizations/${scene.organization.id}/members/${member.userId}`,
    } as const;
    const changes = [
      () => post({ metric_name: 'orders' }),
      () => scene.ask({ method: 'POST', url: '/api/assessments', body: { status: 'draft' } }),
      () => scene.ask(leave),
    ];
    for (const change of changes) {
      const before = await scene.summary();
      expect((await change()).statusCode).toBeLessThan(300);
      const expected = await scene.summary();
      expect(expected).not.toEqual(before);
      await until(() => expect(listener.messages.at(-1)?.payload).toEqual(expected));
    }
  });

  test('of metrics is sent what was written, of the type and the metric that it asked for', async () => {
    const [all, typed, named] = [await listen(), await listen(), await listen()];
    await all.subscribe('metrics');
    await typed.subscribe('metrics', { metric_type: 'visits' });
    await named.subscribe('metrics', { metric_type: 'sales', metric_name: 'orders' });
    await post({ metric_name: 'refunds' }, { metric_name: 'complaints' });
    await post({ metric_name: 'orders' });
    await post({ metric_type: 'visits', metric_name: 'daily' });
    await until(() => expect(all.messages).toHaveLength(3));
    await until(() => expect(named.messages).toHaveLength(1));
    await until(() => expect(typed.messages).toHaveLength(1));
    expect(all.messages.map(({ payload }) => payload)).toEqual([
      { metric_type: 'sales', metric_names: ['complaints', 'refunds'], as_of: expect.any(String) },
      { metric_type: 'sales', metric_names: ['orders'], as_of: expect.any(String) },
      { metric_type: 'visits', metric_names: ['daily'], as_of: expect.any(String) },
    ]);
    expect(named.messages).toEqual([all.messages[1]]);
    expect(typed.messages).toEqual([all.messages[2]]);
  });

  test('of one metric is told of it, however many others of its type are written right after', async () => {
    const listener = await listen();
    await listener.subscribe('metrics', { metric_name: 'second' });
    for (const metric_name of ['first', 'second', 'third', 'fourth']) await post({ metric_name });
    await until(() => expect(listener.messages).toHaveLength(1));
    expect(listener.messages[0]?.payload).toMatchObject({ metric_names: ['second'] });
  });

  test('of one metric is told where so many were written that the event names none', async () => {
    const listener = await listen();
    await listener.subscribe('metrics', { metric_name: 'm3' });
    await post(...Array.from({ length: 21 }, (_, index) => ({ metric_name: `m${index}` })));
    await until(() => expect(listener.messages).toHaveLength(1));
    expect(listener.messages[0]?.payload).toEqual({ metric_type: 'sales', as_of: expect.any(String) });
  });

  test('of activity and reports is sent those, and of one report that alone', async () => {
    const [listener, one] = [await listen(), await listen()];
    const id = newId();
    await listener.subscribe('activity');
    await listener.subscribe('reports');
    await one.subscribe('reports', { report_id: id });
    await scene.act([{ ...activity, user_id: scene.owner.userId }]);
    await publish(report('another'), report('wanted', id));
    await until(() => expect(names(listener)).toEqual(['user_activity', 'report_ready', 'report_ready']));
    expect(listener.messages[0]?.payload).toEqual({ last_at: '2025-03-31T09:00:00.000Z' });
    await until(() => expect(titles(one)).toEqual(['wanted']));
    expect(one.messages[0]?.payload).toEqual({ report_id: id, status: 'generated', title: 'wanted' });
  });

  test('of the system, an administrator of the installation, is sent alerts', async () => {
    const { userId } = live.admin;
    await scene.rows(sql`
      insert into user_organizations (organization_id, user_id, role, created_at)
      values (${scene.organization.id}, ${userId}, 'viewer', ${live.it.clock.now})`);
    const listener = await listen(live.admin);
    await listener.subscribe('system');
    const opened_at = '2025-03-31T10:00:00.000Z';
    const payload = {
      id: newId(),
      kind: 'k',
      subject: 's',
      message: 'm',
      state: 'open',
      opened_at,
      ended_at: null,
    } as const;
    await publish({ type: 'system_alert', payload, audience: { userId } });
    await until(() => expect(listener.messages.map((message) => message.payload)).toEqual([payload]));
  });

  test('of overlapping subscriptions is sent each message once, in the order of their numbers', async () => {
    const listener = await listen();
    for (const filters of [{}, { metric_type: 'sales' }, { metric_name: 'orders' }]) {
      await listener.subscribe('metrics', filters);
    }
    for (const type of ['dashboard', 'activity', 'reports']) await listener.subscribe(type);
    for (let n = 0; n < 5; n += 1) {
      await Promise.all([
        publish(report(`report ${n}`)),
        post({ metric_name: 'orders' }),
        scene.act([{ ...activity, user_id: scene.owner.userId }]),
      ]);
    }
    await publish(report('the last'));
    await until(() => expect(titles(listener)).toContain('the last'));
    const ids = listener.messages.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    expect(new Set(names(listener))).toEqual(
      new Set(['metric_update', 'dashboard_update', 'user_activity', 'report_ready']),
    );
    expect(titles(listener).filter((title) => title?.startsWith('report '))).toHaveLength(5);
  });

  test('that connects anew subscribes anew, and is told what comes from then on', async () => {
    const listener = await listen();
    await listener.subscribe('reports');
    await publish(report('before'));
    await until(() => expect(titles(listener)).toEqual(['before']));
    const again = new Promise((resolve) => listener.socket.once('connect', () => resolve(undefined)));
    listener.socket.disconnect().connect();
    await again;
    await publish(report('unheard'));
    await settle(listener);
    await listener.subscribe('reports');
    await publish(report('after'));
    await until(() => expect(titles(listener)).toEqual(['before', 'after']));
  });
});

describe('Nothing is sent', () => {
  test('to a client that only listens, nor computed for it', async () => {
    const listener = await listen();
    await scene.act([{ ...activity, user_id: scene.owner.userId }]);
    await post({ metric_name: 'orders' });
    await settle(listener);
    expect(listener.messages).toEqual([]);
  });

  test('of another organization', async () => {
    const other = await makeAnalyticsScene(live.it);
    const stranger = await live.listen(other.owner, other.organization);
    for (const type of ['dashboard', 'metrics', 'activity', 'reports']) await stranger.subscribe(type);
    await post({ metric_name: 'secret' });
    await publish(report('secret'));
    await settle(stranger);
    expect(stranger.messages).toEqual([]);
  });

  test('once a subscription has ended, and its end is the end of that one alone', async () => {
    const listener = await listen();
    const [metrics, reports] = [await listener.subscribe('metrics'), await listener.subscribe('reports')];
    expect(await listener.ask('unsubscribe', { id: metrics })).toEqual({ success: true, id: metrics });
    await post({ metric_name: 'orders' });
    await publish(report('told'));
    await until(() => expect(titles(listener)).toEqual(['told']));
    await listener.ask('unsubscribe', { id: reports });
    await settle(listener);
    expect(listener.messages).toHaveLength(1);
    const error = `There is no subscription '${reports}' here.`;
    expect(await listener.ask('unsubscribe', { id: reports })).toEqual({ success: false, error });
    await listener.subscribe('reports');
    await publish(report('told again'));
    await until(() => expect(titles(listener)).toEqual(['told', 'told again']));
  });
});

test('Subscribing is acknowledged with an id, the same one for the same again, and at most 20 times', async () => {
  const listener = await listen();
  const id = await listener.subscribe('metrics', { metric_type: 'type 1' });
  expect(id).toMatch(/^[\da-f-]{36}$/);
  const { id: organizationId } = scene.organization;
  expect(await listener.subscribe('metrics', { organizationId, metric_type: 'type 1' })).toBe(id);
  for (let n = 2; n <= 20; n += 1) {
    live.it.clock.now = new Date(live.it.clock.now.getTime() + 100);
    expect(await listener.subscribe('metrics', { metric_type: `type ${n}` })).not.toBe(id);
  }
  const full = await listener.ask('subscribe', { type: 'dashboard' });
  expect(full).toEqual({ success: false, error: expect.stringContaining('at most 20 subscriptions') });
  expect(await listener.subscribe('metrics', { metric_type: 'type 1' })).toBe(id);
  await listener.ask('unsubscribe', { id });
  await listener.subscribe('dashboard');
});

test('An organization is followed for subscribers alone, and no longer than there are some', async () => {
  const tails = () => live.it.platform.feed.counts().tails;
  // Without weekly:read, because weekly updates are followed by whoever has it.
  const body = { name: 'Live', scopes: ['dashboard:read'] };
  const made = await scene.ask({ method: 'POST', url: '/auth/api-keys', body });
  const before = tails();
  const listener = await live.listenAs({ apiKey: made.json<{ key: string }>().key });
  expect(tails()).toBe(before);
  const ids = [await listener.subscribe('dashboard'), await listener.subscribe('reports')];
  expect(tails()).toBe(before + 1);
  await listener.ask('unsubscribe', { id: ids[0] });
  expect(tails()).toBe(before + 1);
  await listener.ask('unsubscribe', { id: ids[1] });
  expect(tails()).toBe(before);
});
