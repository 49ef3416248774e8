import { beforeAll, describe, expect, test } from 'vitest';
import { type BreakableProxy, openBreakableProxy } from '../server/testing/breakable-proxy.ts';
import type { OwnedDatabase } from './support/make-database.ts';
import { findBreaks, type Listener, openSocket } from './support/open-socket.ts';
import { redisUrl, sharedSecrets, useScene } from './support/scene.ts';
import { newItem, type Person, signUp } from './support/sign-up.ts';
import { errorLines, type StartedServer } from './support/start-server.ts';
import { waitUntil } from './support/wait-until.ts';

const scene = useScene();
const unavailable = { status: 503, code: 'DATABASE_UNAVAILABLE', retryAfterSeconds: 1 };

async function openProxy(host: string, port: number): Promise<BreakableProxy> {
  const proxy = await openBreakableProxy({ host, port });
  scene.closeLater(() => proxy.close());
  return proxy;
}

let database: OwnedDatabase;
let databaseProxy: BreakableProxy;
let redisProxy: BreakableProxy;
let first: StartedServer;
let second: StartedServer;
let person: Person;
let listener: Listener;
let count = 0;

beforeAll(async () => {
  database = await scene.makeDatabase();
  const redis = new URL(redisUrl);
  databaseProxy = await openProxy(database.server.host, database.server.port);
  redisProxy = await openProxy(redis.hostname, Number(redis.port || 6379));
  redis.hostname = '127.0.0.1';
  redis.port = String(redisProxy.port);
  const DATABASE_URL = database.urlThrough(databaseProxy.port);
  const env = { ...sharedSecrets(), DATABASE_URL, REDIS_URL: redis.href };
  [first, second] = await Promise.all([scene.startServer(env), scene.startServer(env)]);
  person = await signUp(first.url);
  listener = await openSocket(second.url, { token: person.token, followsFeed: true });
  scene.closeLater(() => listener.close());
});

const post = async ({ url }: StartedServer) => {
  await person.on(url).weekly.addItems({ body: { items: [newItem(`item ${count + 1}`)] } });
  count += 1;
  return count;
};
const read = async ({ url }: StartedServer) => (await person.on(url).weekly.getSummary()).stats.updates;
const isReady = async ({ url }: StartedServer) => (await fetch(`${url}/readyz`)).status === 200;

/** The week as the socket was last shown it, when that is with everything that was posted. */
function newestShown() {
  const week = listener.weeks.at(-1);
  return week?.stats.updates === count && week;
}

/** True when what is posted to one shows on the other at once, both ways, and not by chance. */
async function hearEachOther(): Promise<boolean> {
  for (let round = 0; round < 5; round += 1) {
    for (const [writer, reader] of [
      [first, second],
      [second, first],
    ] as const) {
      await read(reader);
      await post(writer);
      if ((await read(reader)) !== count) return false;
    }
  }
  return true;
}

/** Posts to both and reads on the other, as on any good day. */
async function expectEverythingWorks(): Promise<void> {
  for (let round = 0; round < 5; round += 1) {
    await post(first);
    expect(await read(second)).toBe(count);
    await post(second);
    expect(await read(first)).toBe(count);
  }
  const { version } = await waitUntil('the socket is shown the last change', newestShown);
  await waitUntil('the feed tells of the last change', () => {
    const changes = listener.events.filter(({ type }) => type === 'weekly.changed');
    const told = changes.at(-1)?.payload as { version: number } | undefined;
    return told?.version === version;
  });
  expect(findBreaks(listener.events)).toEqual([]);
}

describe('PostgreSQL goes away', () => {
  test('every connection is terminated: the next requests are answered', async () => {
    await expectEverythingWorks();
    await database.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`);
    await waitUntil('an item is taken', () => post(first), 2_000);
    await waitUntil('both are ready', async () => (await isReady(first)) && (await isReady(second)));
    await expectEverythingWorks();
  });

  test('connections are refused: 503 with Retry-After, then everything goes on by itself within 5 s', async () => {
    databaseProxy.cut();
    const client = person.on(first.url);
    await expect(post(first)).rejects.toMatchObject(unavailable);
    await expect(client.weekly.listPending()).rejects.toMatchObject(unavailable);
    const readiness = await fetch(`${first.url}/readyz`);
    expect(readiness.status).toBe(503);
    expect(readiness.headers.get('retry-after')).toBe('1');
    expect((await fetch(`${first.url}/healthz`)).status).toBe(200);
    databaseProxy.heal();
    const healedAt = performance.now();
    await waitUntil('both take items', async () => (await post(first)) && (await post(second)));
    await expectEverythingWorks();
    expect(performance.now() - healedAt).toBeLessThan(5_000);
    expect(listener.socket.connected).toBe(true);
  });

  test('the network swallows everything: 503 in bounded time, then everything goes on by itself', async () => {
    databaseProxy.silence();
    const startedAt = performance.now();
    const refused = await Promise.allSettled(Array.from({ length: 20 }, () => post(first)));
    for (const outcome of refused) expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable });
    expect(performance.now() - startedAt).toBeLessThan(15_000);
    expect(await isReady(first)).toBe(false);
    databaseProxy.heal();
    await waitUntil('both take items', async () => (await post(first)) && (await post(second)), 15_000);
    await expectEverythingWorks();
  });
});

describe('Redis goes away', () => {
  test('connections are refused: everything goes on, and nothing stale is left when it returns', async () => {
    await expectEverythingWorks();
    redisProxy.cut();
    for (let round = 0; round < 10; round += 1) {
      await post(first);
      expect(await read(first)).toBe(count);
    }
    await waitUntil('the socket at the other process is shown the last change', newestShown);
    expect(await isReady(second)).toBe(true);
    redisProxy.heal();
    await waitUntil('both hear each other again', hearEachOther);
    await expectEverythingWorks();
  });

  test('the network swallows everything: answers stay quick, and nothing stale is left when it returns', async () => {
    redisProxy.silence();
    for (let round = 0; round < 5; round += 1) {
      const startedAt = performance.now();
      await post(first);
      expect(await read(first)).toBe(count);
      expect(performance.now() - startedAt).toBeLessThan(2_000);
    }
    // The cache of the other does not know yet that it hears nothing; the feed, which does, must not be answered from it.
    await read(second);
    await post(first);
    await waitUntil('the socket is shown what the feed tells of', newestShown);
    redisProxy.heal();
    await waitUntil('both hear each other again', hearEachOther, 15_000);
    await expectEverythingWorks();
  });
});

test('an outage is no fault of ours: the logs hold warnings and no errors', () => {
  expect(errorLines(first)).toEqual([]);
  expect(errorLines(second)).toEqual([]);
});
