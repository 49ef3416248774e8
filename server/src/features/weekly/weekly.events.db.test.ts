import type { AddressInfo } from 'node:net';
import type { WeeklyData } from '@almanac/contract/weekly.ts';
import { sql } from 'kysely';
import { io, type Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { lasting, makeWeeklyScene, sentItem, type WeeklyScene } from '#testing/weekly-scene.ts';

let it: TestApp;
let url: string;
const clients: Socket[] = [];
beforeAll(async () => {
  it = await makeTestApp({ now: new Date('2024-12-22T23:59:00Z') });
  await Promise.resolve(it.app.listen({ host: '127.0.0.1', port: 0 }));
  url = `http://127.0.0.1:${(it.app.server.address() as AddressInfo).port}`;
});
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});
afterAll(() => it.close());

/** A connected client, with what it was sent and was told. */
interface Watcher {
  socket: Socket;
  updates: WeeklyData[];
  errors: unknown[];
  ask(event: string, payload?: unknown): Promise<Record<string, unknown>>;
}

function watch({ headers, organization }: WeeklyScene): Promise<Watcher> {
  const token = headers.authorization.replace('Bearer ', '');
  return watchAs({ token, organization: organization.id }, headers);
}

async function watchAs(auth: Record<string, string>, extraHeaders: Record<string, string> = {}): Promise<Watcher> {
  const socket = io(url, { auth, extraHeaders, forceNew: true });
  clients.push(socket);
  const watcher: Watcher = {
    socket,
    updates: [],
    errors: [],
    ask: (event, payload) => (payload === undefined ? socket.emitWithAck(event) : socket.emitWithAck(event, payload)),
  };
  socket.on('weekly_data_update', (data: WeeklyData) => watcher.updates.push(data));
  socket.on('error', (error: unknown) => watcher.errors.push(error));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  // An answer proves that the connection follows the feed, which begins before events are taken.
  await socket.emitWithAck('unknown event');
  watcher.errors.length = 0;
  return watcher;
}

const until = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 5 });
const weeks = ({ updates }: Watcher) => updates.map(({ week, stats }) => [week.id, stats.updates]);

describe('Subscribing', () => {
  test('is acknowledged, and the current object follows at once', async () => {
    const scene = await makeWeeklyScene(it);
    await scene.post([sentItem()]);
    const watcher = await watch(scene);
    const order: string[] = [];
    watcher.socket.onAny((event: string) => order.push(event));
    const acked = vi.fn(() => order.push('ack'));
    watcher.socket.emit('subscribe_weekly_updates', { week: 'last' }, acked);
    await until(() => expect(weeks(watcher)).toEqual([['2024-W50', 0]]));
    expect(acked).toHaveBeenCalledExactlyOnceWith({ success: true, week: 'last' });
    expect(order).toEqual(['ack', 'weekly_data_update']);
    const { data } = (await scene.request({ url: '/api/weekly/summary?week=last' })).json();
    expect(watcher.updates[0]).toEqual(data);
  });

  test('brings the new object soon after an item is posted', async () => {
    const scene = await makeWeeklyScene(it);
    const watcher = await watch(scene);
    await watcher.ask('subscribe_weekly_updates', { week: 'current' });
    await until(() => expect(watcher.updates).toHaveLength(1));
    const begun = performance.now();
    await scene.post([sentItem()]);
    await until(() => expect(watcher.updates).toHaveLength(2));
    expect(performance.now() - begun).toBeLessThan(3_000);
    expect(watcher.updates.at(-1)?.stats.updates).toBe(1);
    expect(watcher.updates.at(-1)?.version).toBeGreaterThan(watcher.updates[0]?.version ?? 0);
  });

  test('by another spelling of a week is the same subscription', async () => {
    const scene = await makeWeeklyScene(it);
    const watcher = await watch(scene);
    await watcher.ask('subscribe_weekly_updates', { week: '2024-12-10' });
    await watcher.ask('subscribe_weekly_updates', { week: 'twoWeeksAgo' });
    await until(() => expect(weeks(watcher).map(([id]) => id)).toEqual(['2024-W50', '2024-W49']));
    expect(await watcher.ask('unsubscribe_weekly_updates', { week: '2024-W50' })).toEqual({
      success: true,
      week: '2024-W50',
    });
    expect(await watcher.ask('unsubscribe_weekly_updates', { week: 'two-weeks-ago' })).toMatchObject({ success: true });
    await scene.post([
      sentItem({ occurred_at: '2024-12-10T10:00:00Z' }),
      sentItem({ occurred_at: '2024-12-03T10:00:00Z' }),
    ]);
    await watcher.ask('subscribe_weekly_updates', { week: 'current' });
    await until(() => expect(watcher.updates.length).toBeGreaterThan(2));
    await scene.request({ method: 'POST', url: '/api/weekly/refresh', body: { week: 'last' } });
    expect(await watcher.ask('request_weekly_refresh')).toEqual({ success: true });
    await until(() => expect(watcher.updates.length).toBeGreaterThan(3));
    expect(
      new Set(
        weeks(watcher)
          .slice(2)
          .map(([id]) => id),
      ),
    ).toEqual(new Set(['2024-W51']));
  });
});

test('A connection watches at most 20 weeks', async () => {
  const watcher = await watch(await makeWeeklyScene(it));
  for (let week = 10; week < 30; week += 1) {
    it.clock.now = new Date(it.clock.now.getTime() + 200);
    expect(await watcher.ask('subscribe_weekly_updates', { week: `2024-W${week}` })).toMatchObject({ success: true });
  }
  expect(await watcher.ask('subscribe_weekly_updates', { week: '2024-W10' })).toMatchObject({ success: true });
  expect(await watcher.ask('subscribe_weekly_updates', { week: '2024-W30' })).toMatchObject({ success: false });
});

describe('A connection', () => {
  test('that asked for nothing gets the running week, and no other', async () => {
    const scene = await makeWeeklyScene(it);
    const watcher = await watch(scene);
    await scene.post([sentItem({ kind: 'decision', occurred_at: '2024-10-01T10:00:00Z' })]);
    await scene.post([sentItem()]);
    await until(() => expect(weeks(watcher)).toEqual([['2024-W51', 1]]));
  });

  test('follows the organization into another calendar, and what changes there', async () => {
    const scene = await makeWeeklyScene(it);
    await scene.post([sentItem({ occurred_at: '2024-12-22T20:00:00Z' })]);
    const [plain, subscribed] = [await watch(scene), await watch(scene)];
    await subscribed.ask('subscribe_weekly_updates', { week: '2024-W51' });
    await until(() => expect(weeks(subscribed)).toEqual([['2024-W51', 1]]));
    const owner = await scene.organization.member('owner');
    const organization = `/api/organizations/${scene.organization.id}`;
    const body = { timezone: 'Asia/Kolkata' };
    const answer = await Promise.resolve(
      it.app.inject({ method: 'PUT', url: organization, body, headers: owner.headers }),
    );
    expect(answer.statusCode).toBe(200);
    // There it is Monday, and was when the item happened.
    await until(() => expect(weeks(plain).at(-1)).toEqual(['2024-W52', 1]));
    await until(() => expect(weeks(subscribed).at(-1)).toEqual(['2024-W51', 0]));
    expect(plain.updates.at(-1)?.week).toMatchObject({ start: '2024-12-22T18:30:00.000Z', timezone: 'Asia/Kolkata' });
    await scene.post([sentItem({ occurred_at: '2024-12-22T19:00:00Z' })]);
    await until(() => expect(weeks(plain).at(-1)).toEqual(['2024-W52', 2]));
  });

  test('gets only the weeks that it is subscribed to, and none once it is to nothing', async () => {
    const scene = await makeWeeklyScene(it);
    const [watcher, witness] = [await watch(scene), await watch(scene)];
    await watcher.ask('subscribe_weekly_updates', { week: 'last' });
    await until(() => expect(weeks(watcher)).toEqual([['2024-W50', 0]]));
    await scene.post([sentItem()]);
    await until(() => expect(weeks(witness)).toEqual([['2024-W51', 1]]));
    await watcher.ask('unsubscribe_weekly_updates', { week: 'last' });
    await scene.post([sentItem({ occurred_at: '2024-12-10T10:00:00Z' }), sentItem()]);
    await until(() => expect(weeks(witness).at(-1)).toEqual(['2024-W51', 2]));
    await watcher.ask('unsubscribe_weekly_updates', { week: 'last' });
    expect(weeks(watcher)).toEqual([['2024-W50', 0]]);
  });

  test('of another organization hears nothing', async () => {
    const [one, other] = [await makeWeeklyScene(it), await makeWeeklyScene(it)];
    const [own, foreign] = [await watch(one), await watch(other)];
    await foreign.ask('subscribe_weekly_updates', { week: 'current' });
    await until(() => expect(foreign.updates).toHaveLength(1));
    await one.post([sentItem({ title: 'secret' })]);
    await until(() => expect(own.updates).toHaveLength(1));
    await other.post([sentItem({ title: 'own' })]);
    await until(() => expect(foreign.updates).toHaveLength(2));
    expect(JSON.stringify(foreign.updates)).not.toContain('secret');
  });
});

describe('A connection without weekly:read', () => {
  test('of a key with another scope is served the feed, and nothing weekly', async () => {
    const scene = await makeWeeklyScene(it);
    const body = { name: 'Feed', scopes: ['feed:read'] };
    const key = (await scene.request({ method: 'POST', url: '/auth/api-keys', body })).json<{ key: string }>().key;
    const [watcher, witness] = [await watchAs({ apiKey: key }), await watch(scene)];
    const event = new Promise<{ type: string }>((resolve) => watcher.socket.once('feed_event', resolve));
    expect(await watcher.ask('feed_subscribe', { types: ['weekly.changed'] })).toMatchObject({ success: true });
    await scene.post([sentItem()]);
    await until(() => expect(weeks(witness)).toEqual([['2024-W51', 1]]));
    expect((await event).type).toBe('weekly.changed');
    expect(await watcher.ask('subscribe_weekly_updates', { week: 'current' })).toMatchObject({ success: false });
    expect(watcher.updates).toEqual([]);
  });

  test('of a key for the profile alone stays open, and is refused each event', async () => {
    const scene = await makeWeeklyScene(it);
    const body = { name: 'Profile', scopes: ['profile:read'] };
    const key = (await scene.request({ method: 'POST', url: '/auth/api-keys', body })).json<{ key: string }>().key;
    const watcher = await watchAs({ apiKey: key });
    const error = expect.stringContaining('lacks the scope feed:read');
    expect(await watcher.ask('feed_subscribe')).toEqual({ success: false, error });
    expect(watcher.socket.connected).toBe(true);
  });

  test('of a member who lacks the second factor stays open, and is refused each event', async () => {
    const scene = await makeWeeklyScene(it);
    const { id } = scene.organization;
    await it.platform.scopes.inInstance(({ db }) =>
      sql`update organizations set requires_mfa = true where id = ${id}`.execute(db),
    );
    const watcher = await watch(scene);
    const error = expect.stringContaining('second factor');
    expect(await watcher.ask('feed_subscribe')).toEqual({ success: false, error });
    expect(await watcher.ask('subscribe_weekly_updates')).toMatchObject({ success: false });
    expect(watcher.socket.connected).toBe(true);
  });
});

describe('Asking for a refresh', () => {
  test('is acknowledged, and always brings the object, also when nothing changed', async () => {
    const scene = await makeWeeklyScene(it);
    const watcher = await watch(scene);
    expect(await watcher.ask('request_weekly_refresh', { week: 'two_weeks_ago' })).toEqual({ success: true });
    await until(() => expect(weeks(watcher)).toEqual([['2024-W49', 0]]));
    const before = watcher.updates.length;
    expect(await watcher.ask('request_weekly_refresh')).toEqual({ success: true });
    await until(() => expect(watcher.updates.length).toBeGreaterThan(before));
    expect(lasting(watcher.updates.at(-1) as WeeklyData)).toEqual(lasting(await scene.summary()));
  });

  test('too often is refused, for that connection alone', async () => {
    const scene = await makeWeeklyScene(it);
    const [watcher, other] = [await watch(scene), await watch(scene)];
    const acks: Record<string, unknown>[] = [];
    for (let n = 0; n < 5; n += 1) acks.push(await watcher.ask('request_weekly_refresh', { week: 'current' }));
    expect(acks.map(({ success }) => success)).toEqual([true, true, true, true, false]);
    expect(acks[4]?.error).toContain('too many refreshes');
    expect(await other.ask('request_weekly_refresh', { week: 'current' })).toEqual({ success: true });
    expect(watcher.socket.connected).toBe(true);
  });
});

test.each([
  ['subscribe_weekly_updates', { week: 'nonsense' }, 'nonsense'],
  ['subscribe_weekly_updates', { week: '2024-W53' }, '2024-W53'],
  ['subscribe_weekly_updates', { week: 7 }, 'week'],
  ['subscribe_weekly_updates', { week: ['current'] }, 'week'],
  ['subscribe_weekly_updates', { week: 'x'.repeat(41) }, 'week'],
  ['subscribe_weekly_updates', { wek: 'current' }, 'wek'],
  ['subscribe_weekly_updates', 'current', ''],
  ['subscribe_weekly_updates', ['current'], ''],
  ['unsubscribe_weekly_updates', { week: 'nonsense' }, 'nonsense'],
  ['request_weekly_refresh', { week: '' }, ''],
  ['request_weekly_refresh', { week: null }, 'week'],
])('%s with %j is answered with an error, and the connection stays open', async (event, payload, word) => {
  const scene = await makeWeeklyScene(it);
  const watcher = await watch(scene);
  const answer = await watcher.ask(event, payload);
  expect(answer).toEqual({ success: false, error: expect.stringContaining(word) });
  await until(() => expect(watcher.errors).toEqual([{ success: false, error: answer.error }]));
  expect(await watcher.ask('subscribe_weekly_updates', { week: 'current' })).toMatchObject({ success: true });
});

// The last, because time only moves on.
test('a connection that watches current gets the new week once it has turned', async () => {
  const scene = await makeWeeklyScene(it);
  const watcher = await watch(scene);
  await watcher.ask('subscribe_weekly_updates', { week: 'current' });
  await watcher.ask('subscribe_weekly_updates', { week: 'last' });
  await until(() => expect(watcher.updates).toHaveLength(2));
  it.clock.now = new Date('2024-12-23T00:00:01Z');
  await scene.post([sentItem({ occurred_at: '2024-12-23T00:00:00Z' })]);
  await until(() =>
    expect(weeks(watcher).slice(2).sort()).toEqual([
      ['2024-W51', 0],
      ['2024-W52', 1],
    ]),
  );
});
