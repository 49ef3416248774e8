import type { Redis } from 'ioredis';
import { createRareWarning } from '#platform/bus/rare-warning.ts';
import { openRedis } from '#platform/bus/redis-client.ts';
import type { Log } from '#platform/log/log.ts';

interface SharedCountsOptions {
  url: string;
  namespace: string;
  log: Log;
  /** Told what all processes together owe for a key, in milliseconds from now. */
  apply: (key: string, owedMs: number) => void;
}

interface Taken {
  count: number;
  intervalMs: number;
  windowMs: number;
}

const flushMs = 1_000;
const maxKeysPerFlush = 10_000;
const maxKeysPerCall = 500;

/**
 * Adds to each key's moment of being paid off, by Redis' own clock, and answers the debt; kept only while it is owed.
 * ARGV has for each key what was taken and the window, both in milliseconds.
 */
const addScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local debts = {}
for index, key in ipairs(KEYS) do
  local paidOffAt = math.max(tonumber(redis.call('GET', key) or 0), now)
  paidOffAt = math.min(paidOffAt + tonumber(ARGV[2 * index - 1]), now + tonumber(ARGV[2 * index]))
  local debt = math.ceil(paidOffAt - now)
  if debt > 0 then redis.call('SET', key, string.format('%.3f', paidOffAt), 'PX', debt) end
  debts[index] = debt
end
return debts`;

/**
 * Joins the limits of several processes, about once a second and never on the way of a call: what was taken here goes
 * to Redis in batches, and what all took together comes back. Without Redis each process limits by itself.
 */
export class SharedCounts {
  readonly #options: SharedCountsOptions;
  readonly #redis: Redis;
  readonly #warn;
  readonly #flushing: NodeJS.Timeout;
  #taken = new Map<string, Taken>();

  constructor(options: SharedCountsOptions) {
    this.#options = options;
    this.#warn = createRareWarning(options.log);
    this.#redis = openRedis({ url: options.url, log: options.log, purpose: 'limits', commandTimeoutMs: 500 });
    this.#flushing = setInterval(() => void this.flush(), flushMs);
    this.#flushing.unref();
  }

  /** Notes what was taken. Beyond 10,000 keys in a second further keys stay unshared for that second. */
  take(key: string, { count, intervalMs, windowMs }: Taken): void {
    const taken = this.#taken.get(key);
    if (taken !== undefined) taken.count += count;
    else if (this.#taken.size < maxKeysPerFlush) this.#taken.set(key, { count, intervalMs, windowMs });
  }

  /** Sends what was taken since the last time and applies the answer; never rejects. */
  async flush(): Promise<void> {
    const all = [...this.#taken];
    this.#taken = new Map();
    if (this.#redis.status !== 'ready') return;
    for (let start = 0; start < all.length; start += maxKeysPerCall) {
      await this.#flushSome(all.slice(start, start + maxKeysPerCall));
    }
  }

  close(): void {
    clearInterval(this.#flushing);
    this.#redis.disconnect();
  }

  async #flushSome(some: readonly [string, Taken][]): Promise<void> {
    const keys = some.map(([key]) => `${this.#options.namespace}:limit:${key}`);
    const values = some.flatMap(([, { count, intervalMs, windowMs }]) => [count * intervalMs, windowMs]);
    try {
      const debts = (await this.#redis.eval(addScript, keys.length, ...keys, ...values)) as number[];
      for (const [index, [key]] of some.entries()) {
        // What was taken while Redis answered is not in its sum yet.
        const since = this.#taken.get(key);
        const sinceMs = since === undefined ? 0 : since.count * since.intervalMs;
        this.#options.apply(key, Math.min((debts[index] ?? 0) + sinceMs, since?.windowMs ?? Number.POSITIVE_INFINITY));
      }
    } catch (error) {
      this.#warn({ reason: String(error) }, 'Rate limits are not shared at the moment: Redis does not answer');
    }
  }
}
