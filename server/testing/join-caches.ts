import { randomUUID } from 'node:crypto';
import { vi } from 'vitest';
import { type Bus, createLocalBus, type JsonValue } from '#platform/bus/bus.ts';
import type { CachedAnswer } from '#platform/cache/cached-answer.ts';
import type { Caches } from '#platform/cache/caches.ts';

/** A computation of a small answer. */
export function answer(etag: string): () => Promise<CachedAnswer> {
  return async () => ({ body: Buffer.from(`body ${etag}`), etag, validUntil: Date.now() + 60_000 });
}

/** A computation that must not run. */
export function never(): Promise<CachedAnswer> {
  return Promise.reject(new Error('computed although it was there'));
}

/** Waits until both reach the second level: what the one computes is found by the other. */
export async function joined(one: Caches, other: Caches): Promise<void> {
  await vi.waitFor(async () => {
    const probe = { organizationId: 'probe', topic: 'probe', parts: [randomUUID()] };
    await one.dashboard.getOrSet(probe, answer('probe'));
    await vi.waitFor(() => other.dashboard.getOrSet(probe, never), 100);
  }, 5_000);
}

/** Two buses that hear each other after `deliver`, which decides when. */
export function pairBuses(deliver: () => Promise<unknown>): [Bus, Bus] {
  const handlers = [new Set<(message: JsonValue) => void>(), new Set<(message: JsonValue) => void>()] as const;
  const side = (own: 0 | 1): Bus => ({
    ...createLocalBus(),
    isShared: true,
    async publishAndSettle(_topic, message) {
      await deliver();
      for (const tell of handlers[own === 0 ? 1 : 0]) tell(message);
      await deliver();
    },
    subscribe(_topic, handler) {
      handlers[own].add(handler);
      return () => void handlers[own].delete(handler);
    },
  });
  return [side(0), side(1)];
}
