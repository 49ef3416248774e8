import { describe, expect, it, vi } from 'vitest';
import { AnswerCache, type AnswerCacheOptions } from './answer-cache.ts';
import { toScope } from './cache-key.ts';
import type { CachedAnswer } from './cached-answer.ts';
import { createGenerations } from './generations.ts';

const key = { organizationId: 'o1', topic: 'weekly', parts: ['viewer', '2026-W10'] };
const scope = toScope('o1', 'weekly');

function answer(text: string, validUntil?: number): CachedAnswer {
  const body = Buffer.from(text);
  return validUntil === undefined ? { body, etag: text } : { body, etag: text, validUntil };
}

function setUp(options: Partial<AnswerCacheOptions> = {}) {
  const clock = { now: 1_000_000, isCutOff: false };
  const generations = createGenerations();
  const cache = new AnswerCache({
    name: 'dashboard',
    lifetimeMs: 60_000,
    maxEntries: 3,
    maxBytes: 10_000,
    generations,
    isCutOff: () => clock.isCutOff,
    now: () => clock.now,
    random: () => 0.5,
    ...options,
  });
  return { cache, clock, generations };
}

/** A computation that ends when the test says so. */
function pending() {
  const { promise, resolve, reject } = Promise.withResolvers<CachedAnswer>();
  return { compute: vi.fn(() => promise), resolve, reject };
}

describe('a cache of answers', () => {
  it('runs one computation for 200 concurrent cold reads', async () => {
    const { cache } = setUp();
    const { compute, resolve } = pending();
    const reads = Array.from({ length: 200 }, () => cache.getOrSet(key, compute));
    resolve(answer('1'));
    expect(new Set((await Promise.all(reads)).map(({ etag }) => etag))).toEqual(new Set(['1']));
    expect(compute).toHaveBeenCalledTimes(1);
    expect(cache.peek(key)?.etag).toBe('1');
    expect(cache.stats()).toEqual({ name: 'dashboard', hits: 1, misses: 200, entries: 1 });
  });

  it('keeps keys of other parts, topics and organizations apart', async () => {
    const { cache } = setUp();
    await cache.getOrSet(key, async () => answer('1'));
    for (const other of [{ parts: ['viewer'] }, { topic: 'x' }, { organizationId: 'o2' }]) {
      expect(cache.peek({ ...key, ...other })).toBeUndefined();
    }
  });

  it('serves an answer for its lifetime and not longer, also when the clock steps back', async () => {
    const { cache, clock } = setUp();
    await cache.getOrSet(key, async () => answer('1'));
    clock.now += 59_999;
    expect(cache.peek(key)?.etag).toBe('1');
    clock.now += 1;
    expect(cache.peek(key)).toBeUndefined();
    clock.now -= 3_600_000;
    expect(cache.peek(key)).toBeUndefined();
  });

  it.each([
    [0, 54_000],
    [0.9999999, 66_000],
  ])('spreads lifetimes by a tenth (random %d)', async (random, lifetimeMs) => {
    const { cache, clock } = setUp({ random: () => random });
    await cache.getOrSet(key, async () => answer('1'));
    clock.now += lifetimeMs - 1;
    expect(cache.peek(key)).toBeDefined();
    clock.now += 1;
    expect(cache.peek(key)).toBeUndefined();
  });

  it('does not serve an answer past the moment it is valid until', async () => {
    const { cache, clock } = setUp();
    await cache.getOrSet(key, async () => answer('this week', clock.now + 10));
    clock.now += 9;
    expect(cache.peek(key)).toBeDefined();
    clock.now += 1;
    expect(cache.peek(key)).toBeUndefined();
  });

  it('computes anew for who came after the moment a shared computation was valid until', async () => {
    const { cache, clock } = setUp();
    const { compute, resolve } = pending();
    const early = cache.getOrSet(key, compute);
    clock.now += 20;
    const late = cache.getOrSet(key, async () => answer('next week'));
    resolve(answer('this week', clock.now - 10));
    expect((await early).etag).toBe('this week');
    expect((await late).etag).toBe('next week');
  });

  it('neither keeps nor hands to later callers what was begun before an invalidation', async () => {
    const { cache, generations } = setUp();
    const [old, fresh] = [pending(), pending()];
    const before = cache.getOrSet(key, old.compute);
    generations.raise(scope);
    const after = cache.getOrSet(key, fresh.compute);
    fresh.resolve(answer('new'));
    expect((await after).etag).toBe('new');
    old.resolve(answer('old'));
    expect((await before).etag).toBe('old');
    expect(cache.peek(key)?.etag).toBe('new');
  });

  it('throws what a computation threw to all who waited, and computes again for the next', async () => {
    const { cache } = setUp();
    const { compute, reject } = pending();
    const reads = [cache.getOrSet(key, compute), cache.getOrSet(key, compute)];
    reject(new Error('no database'));
    for (const read of await Promise.allSettled(reads)) expect(read).toMatchObject({ status: 'rejected' });
    expect((await cache.getOrSet(key, async () => answer('1'))).etag).toBe('1');
  });

  it('serves an answer for one second only while invalidations may go unheard', async () => {
    const { cache, clock } = setUp();
    await cache.getOrSet(key, async () => answer('1'));
    clock.isCutOff = true;
    clock.now += 1_000;
    expect(cache.peek(key)).toBeDefined();
    clock.now += 1;
    expect(cache.peek(key)).toBeUndefined();
  });

  it('shares a computation for one second only while invalidations may go unheard', async () => {
    const { cache, clock } = setUp();
    const [old, fresh] = [pending(), pending()];
    clock.isCutOff = true;
    const early = cache.getOrSet(key, old.compute);
    clock.now += 1_001;
    const late = cache.getOrSet(key, fresh.compute);
    old.resolve(answer('old'));
    fresh.resolve(answer('new'));
    expect([(await early).etag, (await late).etag]).toEqual(['old', 'new']);
  });

  it('holds no more entries and no more bytes than it may', async () => {
    const { cache } = setUp();
    for (let number = 0; number < 10; number += 1) {
      await cache.getOrSet({ ...key, parts: [`${number}`] }, async () => answer('x'));
    }
    expect(cache.stats().entries).toBe(3);
    for (let number = 0; number < 3; number += 1) {
      await cache.getOrSet({ ...key, parts: [`${number}`] }, async () => answer('x'.repeat(3_000)));
    }
    expect(cache.stats().entries).toBe(1);
    const huge = await cache.getOrSet({ ...key, parts: ['huge'] }, async () => answer('x'.repeat(20_000)));
    expect(huge.body.length).toBe(20_000);
    expect(cache.peek({ ...key, parts: ['huge'] })).toBeUndefined();
  });
});
