import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createLog } from '#platform/log/log.ts';
import { createRateLimiter } from './rate-limiter.ts';

const redisUrl = process.env.TEST_REDIS_URL ?? '';
const log = createLog({ level: 'silent' });

function setUp(maxKeys?: number) {
  const clock = { now: 1_700_000_000_000 };
  const options = { log, now: () => clock.now };
  const limiter = createRateLimiter(maxKeys === undefined ? options : { ...options, maxKeys });
  return { limiter, clock };
}

describe('a rate limiter', () => {
  it('allows as many at once as the limit says, then refuses and says when to come back', () => {
    const { limiter } = setUp();
    const limit = { perMinute: 60 };
    const taken = Array.from({ length: 60 }, () => limiter.take('user:1', limit));
    expect(taken.every(({ allowed }) => allowed)).toBe(true);
    expect(taken.map(({ remaining }) => remaining)).toEqual(Array.from({ length: 60 }, (_, index) => 59 - index));
    expect(limiter.take('user:1', limit)).toEqual({
      allowed: false,
      limit: 60,
      remaining: 0,
      resetSeconds: 60,
      retryAfterSeconds: 1,
    });
  });

  it('allows one more once that much time has passed, and does not count refused calls', () => {
    const { limiter, clock } = setUp();
    const limit = { perMinute: 60, burst: 2 };
    limiter.take('a', limit);
    limiter.take('a', limit);
    for (let call = 0; call < 100; call += 1) expect(limiter.take('a', limit).allowed).toBe(false);
    clock.now += 999;
    expect(limiter.take('a', limit).allowed).toBe(false);
    clock.now += 1;
    expect(limiter.take('a', limit)).toMatchObject({ allowed: true, limit: 2, remaining: 0, resetSeconds: 2 });
  });

  it('counts each key by itself', () => {
    const { limiter } = setUp();
    const limit = { perMinute: 1 };
    expect(limiter.take('a', limit).allowed).toBe(true);
    expect(limiter.take('b', limit).allowed).toBe(true);
    expect(limiter.take('a', limit).allowed).toBe(false);
  });

  it('allows never more than the burst and what the time since the start has brought', () => {
    const limits = fc.record({
      perMinute: fc.integer({ min: 1, max: 10_000 }),
      burst: fc.integer({ min: 1, max: 500 }),
    });
    fc.assert(
      fc.property(limits, fc.array(fc.nat(5_000), { maxLength: 300 }), (limit, pauses) => {
        const { limiter, clock } = setUp();
        const start = clock.now;
        let allowed = 0;
        for (const pause of pauses) {
          clock.now += pause;
          const taken = limiter.take('a', limit);
          if (taken.allowed) allowed += 1;
          expect(taken.remaining).toBeGreaterThanOrEqual(0);
          expect(allowed).toBeLessThanOrEqual(limit.burst + ((clock.now - start) * limit.perMinute) / 60_000 + 0.1);
        }
      }),
    );
  });

  it('does not lock a key for longer than the window when the clock is set back', () => {
    const { limiter, clock } = setUp();
    const limit = { perMinute: 60 };
    limiter.take('a', limit);
    clock.now -= 3_600_000;
    expect(limiter.take('a', limit).retryAfterSeconds).toBe(1);
  });

  it('clears no limit when countless keys are invented, and limits those together', () => {
    const { limiter } = setUp(1_000);
    const limit = { perMinute: 5 };
    for (let call = 0; call < 5; call += 1) limiter.take('victim', limit);
    let allowed = 0;
    for (let number = 0; number < 100_000; number += 1)
      if (limiter.take(`invented ${number}`, limit).allowed) allowed += 1;
    expect(limiter.take('victim', limit).allowed).toBe(false);
    expect(allowed).toBeLessThanOrEqual(1_000 + 5 * 4_096);
  });

  it('has room for new keys again when the old ones are paid off', () => {
    const { limiter, clock } = setUp(1_000);
    const limit = { perMinute: 60 };
    for (let number = 0; number < 50_000; number += 1) limiter.take(`flood ${number}`, limit);
    clock.now += 61_000;
    for (let number = 0; number < 3_000; number += 1) {
      clock.now += 2;
      expect(limiter.take(`guest ${number}`, limit)).toMatchObject({ allowed: true, remaining: 59 });
      clock.now += 1_000;
    }
  });
});

describe.skipIf(redisUrl === '')('rate limiters that share Redis', () => {
  it('refuse in one process what was used up in another', async () => {
    const redis = { url: redisUrl, namespace: `t${randomUUID()}` };
    const [one, two] = [0, 1].map(() => createRateLimiter({ log, now: () => Date.now(), redis }));
    if (!one || !two) throw new Error('unreachable');
    const limit = { perMinute: 20 };
    try {
      const spend = () => expect(one.take('user:1', limit).allowed).toBe(false);
      await vi.waitFor(spend, { timeout: 5_000, interval: 5 });
      // The other learns of it after its own next call.
      await vi.waitFor(() => expect(two.take('user:1', { perMinute: 20 }).remaining).toBe(0), {
        timeout: 5_000,
        interval: 1_000,
      });
    } finally {
      one.close();
      two.close();
    }
  }, 15_000);
});
