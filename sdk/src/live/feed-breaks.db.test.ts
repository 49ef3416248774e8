import { describe, expect, test } from 'vitest';
import { useFeedScene } from '../../testing/feed-scene.ts';
import type { WatchedFeed } from '../../testing/watch-feed.ts';

const scene = useFeedScene();
const isLive = ({ connection }: WatchedFeed) => connection.state === 'live';
const isPolling = ({ connection }: WatchedFeed) => connection.state === 'polling';
const isOffline = ({ connection }: WatchedFeed) => connection.state === 'offline';
const has = (count: number) => (feed: WatchedFeed) => feed.events.length >= count;

/** Lets turns of the event loop pass. */
async function pass(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
}

test('100 cuts at random under writes leave no gap and no double', async () => {
  const client = scene.client({}, 1_000);
  const feeds = [scene.watch(client, { after: 0 }), scene.watch(client, { after: 0, types: ['job.progress'] })];
  const [feed] = feeds as [WatchedFeed];
  await feed.until(isLive);
  let isCutting = true;
  const write = async () => {
    for (let count = 0; isCutting; count += 1) {
      await scene.publish(`${count}`, `${count} again`);
      // The embedded database works within the turn: the sockets get theirs.
      await pass(20);
    }
  };
  const cut = async () => {
    for (let cuts = 0; cuts < 100; cuts += 1) {
      // Before, while and after it is live again, and after a while of being so.
      const wanted = feed.events.length + Math.floor(Math.random() * 8);
      await feed.until((it) => it.events.length >= wanted && (isLive(it) || Math.random() < 0.3));
      await pass(Math.random() * 20);
      scene.relay.cut();
    }
    isCutting = false;
  };
  await Promise.all([cut(), write()]);
  await scene.publish('last');
  const ids = await scene.ids();
  for (const it of feeds) {
    await it.until(() => it.ids.at(-1) === ids.at(-1));
    expect(it.ids).toEqual(ids);
    expect(it.gone).toEqual([]);
  }
  expect(feed.states.filter((state) => state === 'live').length).toBeGreaterThan(20);
}, 60_000);

describe('Where WebSockets are refused', () => {
  test('polling takes over after three attempts, and the socket as soon as one connects', async () => {
    const feed = scene.watch(scene.client());
    await feed.until(isLive);
    await scene.publish('live');
    await feed.until(has(1));
    scene.relay.refusesWebSockets = true;
    scene.relay.cut();
    await feed.until(isPolling);
    await scene.publish('polled', 'polled too');
    await feed.until(has(3));
    scene.relay.refusesWebSockets = false;
    await feed.until(isLive);
    await scene.publish('live again');
    await feed.until(has(4));
    expect(feed.ids).toEqual((await scene.ids()).slice(1));
    expect(feed.states).toEqual(['live', 'connecting', 'polling', 'live']);
  });

  test('it begins by polling, and one who comes later is told all the same', async () => {
    scene.relay.refusesWebSockets = true;
    const client = scene.client();
    const feed = scene.watch(client, { types: ['weekly.changed'] });
    await feed.until(isPolling);
    const late = scene.watch(client, { after: 0 });
    await late.until(has(1));
    await scene.publish(...Array.from({ length: 2_500 }, (_, number) => `${number}`));
    await late.until(has(2_501));
    expect(late.ids).toEqual(await scene.ids());
    expect(feed.events).toEqual([]);
  });

  test('attempts come further and further apart, and polls each 30 seconds', async () => {
    scene.relay.refusesWebSockets = true;
    const waits: number[] = [];
    const enough = Promise.withResolvers<void>();
    const timing = {
      now: () => scene.server.clock.now.getTime(),
      random: () => 0,
      after: (milliseconds: number, run: () => void) => {
        if (waits.push(milliseconds) > 40) enough.resolve();
        const timer = setImmediate(run);
        return () => clearImmediate(timer);
      },
    };
    const feed = scene.watch(scene.client({ timing }));
    await enough.promise;
    feed.connection.close();
    const attempts = waits.filter((wait) => wait !== 30_000);
    expect(attempts.slice(0, 10)).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000, 15_000]);
    expect(waits.indexOf(30_000)).toBeGreaterThanOrEqual(3);
  });
});

test('where nothing answers it is offline, and goes on from where it was', async () => {
  const feed = scene.watch(scene.client());
  await feed.until(isLive);
  scene.relay.refusesAll = true;
  scene.relay.cut();
  await feed.until(isOffline);
  await scene.publish('missed');
  scene.relay.refusesAll = false;
  await feed.until(isLive);
  await feed.until(has(1));
  expect(feed.ids).toEqual((await scene.ids()).slice(1));
});

// The last one: this process takes no socket from here on.
test('a server that drains is polled until another takes over', async () => {
  const feed = scene.watch(scene.client());
  await feed.until(isLive);
  await scene.server.realtime.drain({ overMs: 10 });
  await scene.publish('while it drains');
  await feed.until(has(1));
  await feed.until(isPolling);
  expect(feed.states).toEqual(['live', 'connecting', 'polling']);
});
