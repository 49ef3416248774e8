import type { DashboardSummary } from '@almanac/contract/dashboard.ts';
import type { LiveMessage } from '@almanac/contract/live.ts';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { composePlatform } from '#app/compose-platform.ts';
import { newId } from '#kernel/ids.ts';
import { type AnalyticsScene, makeAnalyticsScene } from '#testing/analytics-scene.ts';
import { type LiveScene, makeLiveScene, until } from '#testing/live-scene.ts';
import { createLiveService, type WebSocketService } from './live.service.ts';

let live: LiveScene;
let scene: AnalyticsScene;
let service: WebSocketService;
beforeAll(async () => {
  live = await makeLiveScene();
  service = live.it.features.webSocketService;
});
beforeEach(async () => {
  scene = await makeAnalyticsScene(live.it);
});
afterEach(() => live.leave());
afterAll(() => live.close());

const connect = (userId = scene.owner.userId, request?: object) =>
  service.initializeConnection({ organizationId: scene.organization.id, userId, request });

const members = () => {
  const { findMember, findEnded } = live.it.features.identity;
  return { findMember, findEnded };
};
const ready = (title: string) => ({ report_id: newId(), status: 'generated', title });
const broadcastReport = (title: string, organizationId = scene.organization.id) =>
  service.broadcastMessage({ type: 'report_ready', payload: ready(title), organizationId });

describe('The connection of a program', () => {
  test('is handed what it is subscribed to, one after the other, and nothing else', async () => {
    const connection = await connect();
    const messages: LiveMessage[] = [];
    connection.onMessage(async (message) => {
      await Promise.resolve();
      messages.push(message);
    });
    const filters = { organizationId: scene.organization.id };
    const subscription = await service.subscribe(connection.id, { type: 'dashboard', filters });
    expect(subscription).toEqual({ id: expect.any(String), type: 'dashboard', filters: {} });
    await scene.act([{ activity_type: 'login', user_id: scene.owner.userId, created_at: '2025-03-31T09:00:00Z' }]);
    await until(() => expect(messages).toHaveLength(1));
    expect(messages[0]).toMatchObject({ type: 'dashboard_update', payload: await scene.summary() });
    await service.subscribe(connection.id, { type: 'reports' });
    await service.unsubscribe(connection.id, subscription);
    await scene.act([{ activity_type: 'login', user_id: scene.owner.userId, created_at: '2025-03-31T09:01:00Z' }]);
    const sent = await broadcastReport('the last');
    await until(() => expect(messages.at(-1)).toEqual(sent));
    expect(messages.map(({ type }) => type)).toEqual(['dashboard_update', 'report_ready']);
    connection.close();
    expect(await connection.ended).toBe('closed');
    await expect(service.subscribe(connection.id, { type: 'reports' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('is iterated without a miss, however late and slowly, until it is closed', async () => {
    const connection = await connect();
    await service.subscribe(connection.id, { type: 'reports' });
    const titles = Array.from({ length: 30 }, (_, index) => `report ${index}`);
    for (const title of titles.slice(0, 20)) await broadcastReport(title);
    const taken: string[] = [];
    for await (const { payload } of connection) {
      taken.push((payload as { title: string }).title);
      if (taken.length === 5) for (const title of titles.slice(20)) await broadcastReport(title);
      if (taken.length === titles.length) connection.close();
    }
    expect(taken).toEqual(titles);
  });

  test('keeps what comes while nobody takes messages for whoever takes them next', async () => {
    const connection = await connect();
    await service.subscribe(connection.id, { type: 'reports' });
    const titles = ['one', 'two', 'three', 'four'];
    const taken: unknown[] = [];
    const take = async () => {
      for await (const { payload } of connection) {
        taken.push((payload as { title: string }).title);
        break;
      }
    };
    await broadcastReport('one');
    await take();
    for (const title of titles.slice(1)) await broadcastReport(title);
    await take();
    const forget = connection.onMessage(({ payload }) => {
      taken.push((payload as { title: string }).title);
      if (taken.length === 3) forget();
    });
    await until(() => expect(taken).toHaveLength(3));
    await take();
    expect(taken).toEqual(titles);
    connection.close();
    for await (const message of connection) expect(message).toBeUndefined();
  });

  test('that was behind is told the newest summary alone', async () => {
    const connection = await connect();
    await service.subscribe(connection.id, { type: 'dashboard' });
    await scene.within(async (tx) => {
      for (let n = 0; n < 5; n += 1) live.it.platform.feed.publish(tx, { type: 'dashboard_update', payload: {} });
    });
    const ids: number[] = [];
    connection.onMessage(({ id }) => void ids.push(id));
    const { id: last } = await service.broadcastMessage({
      type: 'dashboard_update',
      payload: { own: true },
      organizationId: scene.organization.id,
    });
    await until(() => expect(ids).toEqual([last - 1, last]));
    connection.close();
  });

  test('is told the summary once it can be made', async () => {
    let isAway = true;
    const summarize = (organizationId: string) => {
      if (!isAway) return Promise.resolve({ organization_id: organizationId } as DashboardSummary);
      isAway = false;
      return Promise.reject(new Error('away'));
    };
    const failing = createLiveService({ ...live.it.platform, ...members(), summarize });
    const { userId } = scene.owner;
    const connection = await failing.initializeConnection({ organizationId: scene.organization.id, userId });
    await failing.subscribe(connection.id, { type: 'dashboard' });
    const pauses = live.it.pauses.length;
    await scene.act([{ activity_type: 'login', user_id: userId, created_at: '2025-03-31T09:00:00Z' }]);
    for await (const { payload } of connection) {
      expect(payload).toEqual({ organization_id: scene.organization.id });
      break;
    }
    expect(live.it.pauses.slice(pauses)).toEqual([1_000]);
    connection.close();
  });

  test('goes on where a handler fails, and for the other handlers', async () => {
    const connection = await connect();
    const heard: number[] = [];
    connection.onMessage(() => Promise.reject(new Error('mine')));
    connection.onMessage(({ id }) => void heard.push(id));
    await service.subscribe(connection.id, { type: 'reports' });
    const ids = [(await broadcastReport('one')).id, (await broadcastReport('two')).id];
    await until(() => expect(heard).toEqual(ids));
    connection.close();
  });

  test('ends with its request', async () => {
    const ending = new AbortController();
    const connection = await connect(scene.owner.userId, { signal: ending.signal });
    ending.abort();
    expect(await connection.ended).toBe('request_ended');
    const late = await connect(scene.owner.userId, { signal: ending.signal });
    expect(await late.ended).toBe('request_ended');
    expect(late.isOpen).toBe(false);
  });

  test('ends with the membership', async () => {
    const summarize = () => Promise.reject(new Error('not asked for'));
    const watching = createLiveService({ ...live.it.platform, ...members(), summarize, sessionCheckMs: 20 });
    const member = await scene.join();
    const { userId } = member;
    const connection = await watching.initializeConnection({ organizationId: scene.organization.id, userId });
    const url = `/api/organizations/${scene.organization.id}/members/${userId}`;
    expect((await scene.ask({ method: 'DELETE', url })).statusCode).toBe(204);
    expect(await connection.ended).toBe('session_ended');
  });

  test('has the rights of its member', async () => {
    const connection = await connect();
    await expect(service.subscribe(connection.id, { type: 'system' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(service.subscribe(connection.id, { type: 'nothing' })).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
    });
    connection.close();
  });

  test('is for active members alone', async () => {
    const stranger = await (await makeAnalyticsScene(live.it)).join();
    await expect(connect(stranger.userId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const left = await scene.join();
    await scene.rows(sql`update user_organizations set is_active = false where user_id = ${left.userId}`);
    await expect(connect(left.userId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(connect('nobody')).rejects.toThrow("userId: 'nobody' is not an id");
  });
});

describe('A broadcast', () => {
  test('reaches the subscribers of the organization as it was answered, and the feed', async () => {
    const listener = await live.listen(scene.owner, scene.organization);
    await listener.subscribe('dashboard');
    const other = await makeAnalyticsScene(live.it);
    const stranger = await live.listen(other.owner, other.organization);
    await stranger.subscribe('dashboard');
    const organizationId = scene.organization.id;
    const payload = { visitors: 12, byDay: [1, 2, { note: 'ä' }], at: new Date(0) };
    const sent = await service.broadcastMessage({ type: 'dashboard_update', payload, organizationId });
    expect(sent).toEqual({
      id: expect.any(Number),
      type: 'dashboard_update',
      organizationId,
      timestamp: expect.stringMatching(/Z$/),
      payload: { ...payload, at: '1970-01-01T00:00:00.000Z' },
    });
    const next = await service.broadcastMessage({ type: 'dashboard_update', payload: {}, organizationId });
    expect(next.id).toBe(sent.id + 1);
    await until(() => expect(listener.messages).toEqual([sent, next]));
    const feed = (await scene.ask({ url: `/api/feed?after=${sent.id - 1}` })).json();
    expect(feed.events[0]).toMatchObject({ id: sent.id, type: 'dashboard_update', payload: { data: sent.payload } });
    await service.broadcastMessage({
      type: 'dashboard_update',
      payload: { own: 1 },
      organizationId: other.organization.id,
    });
    await until(() => expect(stranger.messages.map((message) => message.payload)).toEqual([{ own: 1 }]));
  });

  test('of one process reaches the subscribers of another', async () => {
    const { config, log, now, database } = live.it.platform;
    const platform = await composePlatform({ config, log, now, database });
    const summarize = () => Promise.reject(new Error('not asked for'));
    const there = createLiveService({ ...platform, ...members(), summarize });
    const listener = await live.listen(scene.owner, scene.organization);
    await listener.subscribe('reports');
    const sent = await there.broadcastMessage({
      type: 'report_ready',
      payload: ready('from there'),
      organizationId: scene.organization.id,
    });
    await until(() => expect(listener.messages).toEqual([sent]));
    await platform.close();
  });

  test('of an alert reaches administrators of the installation alone', async () => {
    const { id: organizationId } = scene.organization;
    const opened_at = '2025-03-31T10:00:00.000Z';
    const payload = {
      id: newId(),
      kind: 'disk',
      subject: 'db',
      message: 'Full',
      state: 'open',
      opened_at,
      ended_at: null,
    };
    const broadcast = () => service.broadcastMessage({ type: 'system_alert', payload, organizationId });
    await expect(broadcast()).rejects.toMatchObject({ code: 'CONFLICT' });
    await scene.rows(sql`
      insert into user_organizations (organization_id, user_id, role, created_at)
      values (${organizationId}, ${live.admin.userId}, 'viewer', ${live.it.clock.now})`);
    const listener = await live.listen(live.admin, scene.organization);
    await listener.subscribe('system');
    const sent = await broadcast();
    await until(() => expect(listener.messages).toEqual([sent]));
    expect((await scene.ask({ url: '/api/feed?after=0' })).json().events).toEqual([]);
  });

  const circle: Record<string, unknown> = {};
  circle.circle = circle;
  test.each([
    [{ type: 'weekly.changed' }, "type: 'weekly.changed' is not one of dashboard_update, metric_update"],
    [{ organizationId: 'mine' }, "organizationId: 'mine' is not an id"],
    [{ organizationId: newId() }, 'There is no organization'],
    [{ payload: undefined }, 'payload: is not an object that JSON can hold'],
    [{ payload: [1] }, 'payload: is not an object that JSON can hold'],
    [{ payload: circle }, 'payload: is not an object that JSON can hold'],
    [{ payload: { text: 'x'.repeat(16_384) } }, 'at most 16384 are taken'],
    [{ payload: { deep: ['\0'] } }, 'payload.deep[0]: contains the character U+0000'],
    [{ type: 'metric_update', payload: { metric_type: 'sales' } }, 'as_of: is missing'],
    [{ type: 'report_ready', payload: { ...ready('x'), status: 'lost' } }, "status: 'lost' is not one of generated"],
  ])('of %j is refused, and tells nobody', async (change, error) => {
    const organizationId = scene.organization.id;
    const broadcast = { type: 'dashboard_update', payload: {}, organizationId, ...change };
    await expect(service.broadcastMessage(broadcast as never)).rejects.toThrow(error);
    expect(await live.it.platform.feed.head(organizationId)).toBe(0);
  });
});

test('A program may subscribe the socket of a client, by its id', async () => {
  const listener = await live.listen(scene.owner, scene.organization);
  const { id = '' } = listener.socket;
  await service.subscribe(id, { type: 'reports' });
  const sent = await broadcastReport('for the socket');
  await until(() => expect(listener.messages).toEqual([sent]));
  listener.socket.disconnect();
  await until(() => expect(live.it.realtime.readSockets()).toEqual([]));
  await expect(service.subscribe(id, { type: 'reports' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
