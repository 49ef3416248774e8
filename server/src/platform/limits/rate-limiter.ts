import type { Log } from '#platform/log/log.ts';
import { SharedCounts } from './shared-counts.ts';

/** How much may be taken: `perMinute` steadily, `burst` (as many, unless given) at once. */
export interface RateLimit {
  readonly perMinute: number;
  readonly burst?: number;
}

/** Whether a call may go on, and what the RateLimit and Retry-After headers say. */
export interface RateDecision {
  allowed: boolean;
  /** Calls that fit at once. */
  limit: number;
  remaining: number;
  /** Whole seconds until nothing is used up any more. */
  resetSeconds: number;
  /** Whole seconds until one more call fits; 0 when allowed. */
  retryAfterSeconds: number;
}

export interface RateLimiter {
  /** Takes one call from the key's allowance. One key always comes with the same limit; it says which limit it is. */
  take(key: string, limit: RateLimit): RateDecision;
  /** True where `take` would refuse; takes nothing. */
  isUsedUp(key: string, limit: RateLimit): boolean;
  close(): void;
}

interface RateLimiterOptions {
  /** Shares the counts of several processes, about once a second. */
  redis?: { url: string; namespace?: string } | undefined;
  log: Log;
  /** Epoch milliseconds. */
  now: () => number;
  maxKeys?: number;
}

const defaultMaxKeys = 100_000;
const sharedSlots = 4_096;
const sweptPerNewKey = 2;
/** Epoch milliseconds with fractions are exact to 0.0002; a burst adds up many of them. */
const maxRoundingMs = 0.1;

/**
 * Limits rates by GCRA (the leaky bucket as a meter, ITU-T I.371): per key one number, the moment at which all that was
 * taken is paid off. The keys are bounded, and no key that still owes is ever forgotten, so that inventing keys clears
 * no limit: each new key sweeps two old ones, which go only when paid off; while `maxKeys` keys owe, further keys share
 * 4,096 slots.
 */
class MemoryRateLimiter implements RateLimiter {
  readonly #now: () => number;
  readonly #maxKeys: number;
  readonly #paidOffAt = new Map<string, number>();
  readonly #slots = new Float64Array(sharedSlots);
  readonly #shared: SharedCounts | undefined;
  #sweeping: Iterator<[string, number]>;

  constructor({ redis, log, now, maxKeys = defaultMaxKeys }: RateLimiterOptions) {
    this.#now = now;
    this.#maxKeys = maxKeys;
    this.#sweeping = this.#paidOffAt.entries();
    const apply = (key: string, owedMs: number) => this.#raise(key, owedMs);
    this.#shared = redis && new SharedCounts({ url: redis.url, namespace: redis.namespace ?? 'almanac', log, apply });
  }

  take(key: string, { perMinute, burst = perMinute }: RateLimit): RateDecision {
    const now = this.#now();
    const known = this.#paidOffAt.get(key);
    const slot = known === undefined ? this.#findSlot(key, now) : undefined;
    const before = (slot === undefined ? known : this.#slots[slot]) ?? 0;
    const { intervalMs, windowMs, owedMs, excessMs, roundingMs } = measure({ before, now, perMinute, burst });
    if (excessMs > roundingMs) {
      this.#shared?.take(key, { count: 0, intervalMs, windowMs });
      return decision({ limit: burst, remaining: 0, owedMs, waitMs: excessMs });
    }
    const after = now + owedMs + intervalMs;
    if (slot === undefined) this.#paidOffAt.set(key, after);
    else this.#slots[slot] = after;
    this.#shared?.take(key, { count: 1, intervalMs, windowMs });
    const remaining = Math.floor((windowMs - owedMs - intervalMs + roundingMs) / intervalMs);
    return decision({ limit: burst, remaining, owedMs: owedMs + intervalMs, waitMs: 0 });
  }

  isUsedUp(key: string, { perMinute, burst = perMinute }: RateLimit): boolean {
    const isShared = this.#paidOffAt.size >= this.#maxKeys;
    const before = this.#paidOffAt.get(key) ?? (isShared ? this.#slots[slotOf(key)] : undefined) ?? 0;
    const { excessMs, roundingMs } = measure({ before, now: this.#now(), perMinute, burst });
    return excessMs > roundingMs;
  }

  close(): void {
    this.#shared?.close();
    this.#paidOffAt.clear();
  }

  /** What all processes together owe: raises the debt of a key that is still known here. */
  #raise(key: string, owedMs: number): void {
    const known = this.#paidOffAt.get(key);
    if (known !== undefined) this.#paidOffAt.set(key, Math.max(known, this.#now() + owedMs));
  }

  /** The shared slot that a new key must do with, or undefined when there is room for it. */
  #findSlot(key: string, now: number): number | undefined {
    for (let left = sweptPerNewKey; left > 0; left -= 1) {
      const next = this.#sweeping.next();
      if (next.done === true) {
        this.#sweeping = this.#paidOffAt.entries();
        break;
      }
      if (next.value[1] <= now) this.#paidOffAt.delete(next.value[0]);
    }
    return this.#paidOffAt.size < this.#maxKeys ? undefined : slotOf(key);
  }
}

/** Makes the limiter of a process; with Redis its counts are shared with the others. */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  return new MemoryRateLimiter(options);
}

interface Measured {
  /** When all that was taken is paid off. */
  before: number;
  now: number;
  perMinute: number;
  burst: number;
}

function measure({ before, now, perMinute, burst }: Measured) {
  const intervalMs = 60_000 / perMinute;
  const windowMs = intervalMs * burst;
  // A debt beyond the window cannot come from taking: the clock was set back.
  const owedMs = Math.min(Math.max(before - now, 0), windowMs);
  const excessMs = owedMs + intervalMs - windowMs;
  return { intervalMs, windowMs, owedMs, excessMs, roundingMs: Math.min(maxRoundingMs, intervalMs / 10) };
}

function decision(of: { limit: number; remaining: number; owedMs: number; waitMs: number }): RateDecision {
  return {
    allowed: of.waitMs === 0,
    limit: of.limit,
    remaining: of.remaining,
    resetSeconds: Math.ceil(of.owedMs / 1_000),
    retryAfterSeconds: Math.ceil(of.waitMs / 1_000),
  };
}

const slotOf = (key: string) => hash(key) % sharedSlots;

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
