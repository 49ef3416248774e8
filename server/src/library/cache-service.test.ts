import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CacheService } from './cache-service.ts';

function makeCache({ defaultTTL = 60, maxKeys = 100 } = {}) {
  const clock = { ms: 1_000_000 };
  return { clock, cache: new CacheService({ defaultTTL, maxKeys, now: () => clock.ms }) };
}

describe('A cache', () => {
  test('keeps a value for its lifetime in seconds, and no longer', () => {
    const { cache, clock } = makeCache();
    cache.set('a', { n: 1 });
    cache.set('b', 2, 5);
    clock.ms += 5_001;
    expect([cache.get('a'), cache.get('b')]).toEqual([{ n: 1 }, undefined]);
    clock.ms += 55_000;
    expect(cache.get('a')).toBeUndefined();
    expect(cache.stats()).toEqual({ keys: 0, hits: 1, misses: 2 });
  });

  test('keeps null, 0 and false too', async () => {
    const { cache } = makeCache();
    for (const value of [null, 0, false, '']) {
      cache.set('a', value);
      expect(await cache.getOrSet('a', () => 'computed')).toBe(value);
    }
  });

  test('lets the one unused for longest go where there are too many', () => {
    const { cache } = makeCache({ maxKeys: 2 });
    cache.set('a', 1);
    cache.set('b', 2);
    cache.get('a');
    cache.set('c', 3);
    expect(['a', 'b', 'c'].map((key) => cache.get(key))).toEqual([1, undefined, 3]);
  });

  test('computes once for all who ask meanwhile, and again after a failure', async () => {
    const { cache } = makeCache();
    const { promise, reject } = Promise.withResolvers<number>();
    let runs = 0;
    const compute = () => {
      runs += 1;
      return promise;
    };
    const asked = Promise.allSettled(Array.from({ length: 200 }, () => cache.getOrSet('a', compute)));
    reject(new Error('away'));
    expect(new Set((await asked).map(({ status }) => status))).toEqual(new Set(['rejected']));
    expect(runs).toBe(1);
    expect(await cache.getOrSet('a', () => 7)).toBe(7);
  });

  test.each([
    ['defaultTTL', { defaultTTL: 0, maxKeys: 1 }],
    ['defaultTTL', { defaultTTL: Number.NaN, maxKeys: 1 }],
    ['defaultTTL', { defaultTTL: Number.POSITIVE_INFINITY, maxKeys: 1 }],
    ['maxKeys', { defaultTTL: 1, maxKeys: 0 }],
    ['maxKeys', { defaultTTL: 1, maxKeys: 1.5 }],
  ])('is not made with a wrong %s: %o', (name, options) => {
    expect(() => new CacheService(options)).toThrow(new RegExp(`^${name} got .*: it takes a number of `));
  });

  test('does not let what was computed before take the place of what was set since', async () => {
    const { cache } = makeCache();
    const { promise, resolve } = Promise.withResolvers<string>();
    const computed = cache.getOrSet('a', () => promise);
    cache.set('a', 'set');
    resolve('computed');
    expect([await computed, cache.get('a')]).toEqual(['computed', 'set']);
  });

  test('finds and keeps nothing while it is bypassed', async () => {
    let isBypassed = false;
    const cache = new CacheService({ defaultTTL: 60, maxKeys: 2, isBypassed: () => isBypassed });
    cache.set('a', 1);
    isBypassed = true;
    expect([cache.get('a'), await cache.getOrSet('a', () => 2), await cache.getOrSet('b', () => 3)]).toEqual([
      undefined,
      2,
      3,
    ]);
    isBypassed = false;
    expect([cache.get('a'), cache.get('b')]).toEqual([1, undefined]);
  });

  test('takes no lifetime of 0 or less for a value', () => {
    const { cache } = makeCache();
    expect(() => cache.set('a', 1, -1)).toThrow('ttl got -1');
    expect(cache.get('a')).toBeUndefined();
  });
});

describe('Forgetting', () => {
  test('goes by whole parts of the key', () => {
    const { cache } = makeCache();
    for (const key of ['dashboard:one:summary', 'metrics:one:a:7', 'dashboard:onetwo:summary', 'report:three']) {
      cache.set(key, key);
    }
    expect(cache.invalidate('one')).toBe(2);
    expect(cache.get('dashboard:onetwo:summary')).toBe('dashboard:onetwo:summary');
    expect(cache.delete('report:three')).toBe(true);
    expect(cache.delete('report:three')).toBe(false);
    cache.clear();
    expect(cache.stats().keys).toBe(0);
  });

  test.each([
    ['invalidate', (cache: CacheService) => void cache.invalidate('one')],
    ['delete', (cache: CacheService) => void cache.delete('dashboard:one:summary')],
    ['clear', (cache: CacheService) => cache.clear()],
  ])('by %s keeps nothing that was being computed then', async (_, forget) => {
    const { cache } = makeCache();
    const { promise, resolve } = Promise.withResolvers<string>();
    const old = cache.getOrSet('dashboard:one:summary', () => promise);
    forget(cache);
    const fresh = cache.getOrSet('dashboard:one:summary', () => 'new');
    resolve('old');
    expect([await old, await fresh]).toEqual(['old', 'new']);
    expect(cache.get('dashboard:one:summary')).toBe('new');
  });

  test('leaves nobody with what was read before, whatever the order of things', async () => {
    const steps = fc.array(fc.constantFrom('write', 'read', 'settle'), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const { cache } = makeCache();
        let stored = 0;
        const waiting: (() => void)[] = [];
        const reads: Promise<void>[] = [];
        const settle = () => {
          for (const go of waiting.splice(0)) go();
        };
        for (const step of taken) {
          if (step === 'settle') settle();
          if (step === 'write') {
            stored += 1;
            cache.invalidate('one');
          }
          if (step === 'read') {
            const least = stored;
            const seen = cache.getOrSet('dashboard:one:n', () => {
              const value = stored;
              return new Promise<number>((resolve) => waiting.push(() => resolve(value)));
            });
            reads.push(seen.then((value) => expect(value).toBeGreaterThanOrEqual(least)));
          }
          await Promise.resolve();
        }
        settle();
        await Promise.all(reads);
      }),
    );
  });
});
