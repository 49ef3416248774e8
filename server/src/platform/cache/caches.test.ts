import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Bus, createLocalBus } from '#platform/bus/bus.ts';
import { createNotifyBus } from '#platform/bus/notify-bus.ts';
import { createRedisBus } from '#platform/bus/redis-bus.ts';
import { createLog } from '#platform/log/log.ts';
import { joined, pairBuses } from '#testing/join-caches.ts';
import { type Caches, createCaches } from './caches.ts';

const redisUrl = process.env.TEST_REDIS_URL ?? '';
const databaseUrl = process.env.TEST_DATABASE_URL ?? '';
const log = createLog({ level: 'silent' });
const now = () => Date.now();
const cleanups: (() => void | Promise<void>)[] = [];

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

async function connected(...buses: Bus[]): Promise<void> {
  for (const bus of buses)
    await vi.waitFor(() => expect(bus.isConnected()).toBe(true), { timeout: 5_000, interval: 5 });
}

const steps = fc.array(
  fc.record({ process: fc.nat(1), kind: fc.constantFrom('read', 'read', 'write'), key: fc.nat(1) }),
  { minLength: 2, maxLength: 30 },
);
type Step = { process: number; kind: string; key: number };

/**
 * Plays reads and writes against a state that counts its writes. `pause` stands between the moments of each. A read
 * that began after an invalidation resolved must return at least the state that invalidation was about.
 */
async function play(caches: readonly Caches[], plan: readonly Step[], pause: (label: string) => Promise<unknown>) {
  const organizationId = randomUUID();
  const state = [0, 0];
  const announced = [0, 0];
  const topics = ['weekly', 'metrics'];
  const run = async ({ process, kind, key }: Step) => {
    await pause('start');
    const cache = caches[process % caches.length];
    const topic = topics[key];
    if (cache === undefined || topic === undefined) throw new Error('unreachable');
    if (kind === 'write') {
      state[key] = (state[key] ?? 0) + 1;
      const written = state[key];
      await pause('commit');
      await cache.invalidate(organizationId, [topic]);
      announced[key] = Math.max(announced[key] ?? 0, written);
      return;
    }
    const atLeast = announced[key] ?? 0;
    const wanted = { organizationId, topic, parts: ['viewer'] };
    const found = cache.dashboard.peek(wanted) ?? (await cache.dashboard.getOrSet(wanted, compute));
    expect(Number(found.etag)).toBeGreaterThanOrEqual(atLeast);

    async function compute() {
      await pause('before the read');
      const etag = String(state[key]);
      await pause('after the read');
      return { body: Buffer.from(etag), etag };
    }
  };
  await Promise.all(plan.map(run));
}

describe('no read returns what was computed before an invalidation that had resolved', () => {
  it('in one process', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), steps, async (scheduler, plan) => {
        const caches = createCaches({ bus: createLocalBus(), log, now });
        const played = play([caches], plan, (label) => scheduler.schedule(Promise.resolve(), label));
        await scheduler.waitFor(played);
      }),
      { numRuns: 300 },
    );
  });

  it('in two processes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), steps, async (scheduler, plan) => {
        const buses = pairBuses(() => scheduler.schedule(Promise.resolve(), 'deliver'));
        const caches = buses.map((bus) => createCaches({ bus, log, now }));
        const played = play(caches, plan, (label) => scheduler.schedule(Promise.resolve(), label));
        await scheduler.waitFor(played);
      }),
      { numRuns: 300 },
    );
  });

  it.skipIf(redisUrl === '')(
    'in two processes that share a second level in Redis',
    async () => {
      const namespace = newNamespace();
      const buses = [0, 1].map(() => keep(createRedisBus({ url: redisUrl, log, namespace })));
      const caches = buses.map((bus) => keep(createCaches({ bus, log, now, redis: { url: redisUrl, namespace } })));
      await connected(...buses);
      const [one, two] = caches;
      if (!one || !two) throw new Error('unreachable');
      await joined(one, two);
      await playForReal(caches);
    },
    60_000,
  );

  it.skipIf(databaseUrl === '')(
    'in two processes joined by PostgreSQL',
    async () => {
      const namespace = newNamespace();
      const buses = [0, 1].map(() => keep(createNotifyBus({ connectionString: databaseUrl, log, namespace })));
      const caches = buses.map((bus) => keep(createCaches({ bus, log, now })));
      await connected(...buses);
      await playForReal(caches);
    },
    60_000,
  );
});

/** The same with the real timing of the network, stirred by turns of the event loop. */
async function playForReal(caches: readonly Caches[]): Promise<void> {
  const turns = fc.infiniteStream(fc.nat(12));
  await fc.assert(
    fc.asyncProperty(steps, turns, async (plan, pauses) => {
      await play(caches, plan, async () => {
        for (let left = pauses.next().value ?? 0; left > 0; left -= 1) await new Promise(setImmediate);
      });
    }),
    { numRuns: 150 },
  );
}

it('tells the others once of all that a transaction changes, and only after it', async () => {
  const [bus, other] = pairBuses(() => Promise.resolve());
  const told: unknown[] = [];
  other.subscribe('cache.invalidated', (message) => told.push(message));
  const caches = keep(createCaches({ bus, log, now }));
  const organizationId = randomUUID();
  const effects: (() => void | Promise<void>)[] = [];
  const tx = { organizationId, afterPossibleCommit: (run: () => void) => void effects.push(run) } as never;
  const value = { body: Buffer.from('old'), etag: 'old' };
  const read = (topic: string) => caches.metrics.getOrSet({ organizationId, topic, parts: [] }, async () => value);
  await Promise.all([read('a'), read('b'), read('c')]);
  caches.invalidateAfter(tx, ['a', 'b']);
  caches.invalidateAfter(tx, ['b', 'c']);
  const peek = (topic: string) => caches.metrics.peek({ organizationId, topic, parts: [] });
  expect([peek('a'), peek('c'), told, effects.length]).toEqual([value, value, [], 1]);
  for (const run of effects) await run();
  expect([peek('a'), peek('b'), peek('c')]).toEqual([undefined, undefined, undefined]);
  expect(told).toHaveLength(1);
});

it('raises everything when the bus is back after an outage', async () => {
  const { promise, resolve } = Promise.withResolvers<() => void>();
  const bus: Bus = {
    ...createLocalBus(),
    onRestored(handler) {
      resolve(handler);
      return () => undefined;
    },
  };
  const caches = createCaches({ bus, log, now });
  const key = { organizationId: 'o1', topic: 'weekly', parts: [] };
  await caches.reports.getOrSet(key, async () => ({ body: Buffer.from('x'), etag: 'x' }));
  expect(caches.reports.peek(key)).toBeDefined();
  (await promise)();
  expect(caches.reports.peek(key)).toBeUndefined();
});

it('tells listeners of each organization that is invalidated, here or elsewhere, and where it may be any', async () => {
  const { promise, resolve } = Promise.withResolvers<() => void>();
  const [bus, otherBus] = pairBuses(() => Promise.resolve());
  const onRestored = (handler: () => void) => {
    resolve(handler);
    return () => undefined;
  };
  const caches = createCaches({ bus: { ...bus, onRestored }, log, now });
  const other = createCaches({ bus: otherBus, log, now });
  const told: unknown[] = [];
  const leave = caches.onInvalidated((organizationId) => told.push(organizationId));
  await caches.invalidate('9:a', ['weekly', 'metrics']);
  await other.invalidate('b', ['weekly']);
  (await promise)();
  await otherBus.publishAndSettle('cache.invalidated', 'all');
  leave();
  await caches.invalidate('c', ['weekly']);
  expect(told).toEqual(['9:a', 'b', undefined, undefined]);
});
