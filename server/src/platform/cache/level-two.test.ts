import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Bus, createLocalBus, type JsonValue } from '#platform/bus/bus.ts';
import { createLog } from '#platform/log/log.ts';
import { type BreakableProxy, openBreakableProxy } from '#testing/breakable-proxy.ts';
import { answer, joined, never, pairBuses } from '#testing/join-caches.ts';
import type { CachedAnswer } from './cached-answer.ts';
import { type Caches, createCaches } from './caches.ts';

const redisUrl = process.env.TEST_REDIS_URL ?? '';
const log = createLog({ level: 'silent' });
const now = () => Date.now();
const cleanups: (() => void | Promise<void>)[] = [];
const key = { organizationId: 'o1', topic: 'weekly', parts: ['viewer'] };

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

function newNamespace(): string {
  return `t${randomUUID().replaceAll('-', '').slice(0, 16)}`;
}

function keep<T extends { close(): void | Promise<void> }>(opened: T): T {
  cleanups.push(() => opened.close());
  return opened;
}

function openCaches(url: string, namespace: string, bus = createLocalBus()): Caches {
  return keep(createCaches({ bus, log, now, redis: { url, namespace } }));
}

function openRedisProxy(): Promise<BreakableProxy> {
  const { hostname, port } = new URL(redisUrl);
  return openBreakableProxy({ host: hostname, port: Number(port || 6379) });
}

/** The same database of the same server, through the proxy. */
function through(proxy: BreakableProxy): string {
  const url = new URL(redisUrl);
  url.host = `127.0.0.1:${proxy.port}`;
  return url.href;
}

/** Stores an answer that both processes then hold, and the second level too. */
async function fill(one: Caches, other: Caches): Promise<void> {
  await joined(one, other);
  await one.dashboard.getOrSet(key, answer('old'));
  await vi.waitFor(() => other.dashboard.getOrSet(key, never), 5_000);
}

describe.skipIf(redisUrl === '')('the second level', () => {
  it('hands what one process computed to another, with all its fields', async () => {
    const namespace = newNamespace();
    const [one, two, three] = [0, 1, 2].map(() => openCaches(redisUrl, namespace));
    if (!one || !two || !three) throw new Error('unreachable');
    await fill(one, two);
    await vi.waitFor(() => three.dashboard.getOrSet(key, never), 5_000);
    expect(three.dashboard.peek(key)).toEqual(one.dashboard.peek(key));
  });

  it('keeps an invalidated answer from a process that heard nothing of it', async () => {
    const namespace = newNamespace();
    const [one, two, deaf] = [0, 1, 2].map(() => openCaches(redisUrl, namespace));
    if (!one || !two || !deaf) throw new Error('unreachable');
    await fill(one, two);
    await joined(two, deaf);
    await one.invalidate(key.organizationId, [key.topic]);
    expect((await deaf.dashboard.getOrSet(key, answer('new'))).etag).toBe('new');
    expect((await one.dashboard.getOrSet(key, answer('newer'))).etag).toMatch(/^new/);
  });

  it('holds nothing old any more when another process hears of the invalidation', async () => {
    const namespace = newNamespace();
    const [bus, otherBus] = pairBuses(() => Promise.resolve());
    const [one, two] = [openCaches(redisUrl, namespace, bus), openCaches(redisUrl, namespace, otherBus)];
    await fill(one, two);
    const heard = Promise.withResolvers<CachedAnswer>();
    otherBus.subscribe('cache.invalidated', () => heard.resolve(two.dashboard.getOrSet(key, answer('new'))));
    await one.invalidate(key.organizationId, [key.topic]);
    expect((await heard.promise).etag).toBe('new');
  });

  it('gives nothing old to a read that begins while the invalidation is being written', async () => {
    const namespace = newNamespace();
    const [one, two] = [openCaches(redisUrl, namespace), openCaches(redisUrl, namespace)];
    await fill(one, two);
    const invalidated = one.invalidate(key.organizationId, [key.topic]);
    expect((await one.dashboard.getOrSet(key, answer('new'))).etag).toBe('new');
    await invalidated;
    expect(one.dashboard.peek(key)?.etag).toBe('new');
  });

  it('does not bring old answers back when Redis evicts generations', async () => {
    const namespace = newNamespace();
    const [one, two, three] = [0, 1, 2].map(() => openCaches(redisUrl, namespace));
    if (!one || !two || !three) throw new Error('unreachable');
    await fill(one, two);
    await joined(two, three);
    const redis = new Redis(redisUrl);
    cleanups.push(() => redis.disconnect());
    const keys = await redis.keys(`${namespace}:cache:generation:*`);
    expect(keys).toHaveLength(2);
    await redis.del(...keys);
    expect((await three.dashboard.getOrSet(key, answer('new'))).etag).toBe('new');
  });

  it('goes on in memory while Redis is away, and never shows what was invalidated meanwhile', async () => {
    const namespace = newNamespace();
    const proxy = keep(await openRedisProxy());
    const swept = Promise.withResolvers<void>();
    const bus: Bus = { ...createLocalBus(), publish: () => swept.resolve() };
    const steady = openCaches(redisUrl, namespace);
    const fragile = openCaches(through(proxy), namespace, bus);
    await fill(fragile, steady);
    proxy.silence();
    await fragile.invalidate(key.organizationId, [key.topic]);
    expect((await fragile.dashboard.getOrSet(key, answer('new'))).etag).toBe('new');
    expect(fragile.dashboard.peek(key)?.etag).toBe('new');
    proxy.heal();
    await swept.promise;
    // Nothing tells `late` but the second level itself.
    const late = openCaches(redisUrl, namespace);
    await joined(steady, late);
    expect((await late.dashboard.getOrSet(key, answer('computed'))).etag).toBe('computed');
  }, 20_000);

  it('starts over after a lost connection, in whose course another process may have died owing', async () => {
    const namespace = newNamespace();
    const proxy = keep(await openRedisProxy());
    const told = Promise.withResolvers<JsonValue>();
    const bus: Bus = { ...createLocalBus(), publish: (_topic, message) => told.resolve(message) };
    const steady = openCaches(redisUrl, namespace);
    await fill(openCaches(through(proxy), namespace, bus), steady);
    proxy.cut();
    proxy.heal();
    expect(await told.promise).toBe('all');
    const late = openCaches(redisUrl, namespace);
    await joined(steady, late);
    expect((await late.dashboard.getOrSet(key, answer('new'))).etag).toBe('new');
  });

  it('tells the others to forget everything when it has paid what it owed', async () => {
    const namespace = newNamespace();
    const proxy = keep(await openRedisProxy());
    const told = Promise.withResolvers<JsonValue>();
    const bus: Bus = { ...createLocalBus(), publish: (_topic, message) => told.resolve(message) };
    proxy.cut();
    const caches = openCaches(through(proxy), namespace, bus);
    await caches.invalidate('o1', ['weekly']);
    proxy.heal();
    expect(await told.promise).toBe('all');
  });
});
