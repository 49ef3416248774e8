import { createHash, randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { createRareWarning } from '#platform/bus/rare-warning.ts';
import { openRedis } from '#platform/bus/redis-client.ts';
import type { Log } from '#platform/log/log.ts';
import { decodeAnswer, encodeAnswer, type StoredAnswer } from './encode-answer.ts';

interface LevelTwoOptions {
  url: string;
  log: Log;
  namespace: string;
  /** Epoch milliseconds. */
  now: () => number;
  /** Called when everything in the second level has been made unreachable after an outage. */
  onSwept: () => void;
}

/** Where an answer is or will be: names the generation, so a place is never reused after an invalidation. */
type Place = string;

const commandTimeoutMs = 100;
const restMs = 1_000;
const retrySweepMs = 250;
const generationKeptSeconds = 24 * 3_600;
const maxStoredBytes = 1024 * 1024;

/**
 * The level of the cache that processes share, in Redis. A place is derived from the epoch (of everything), the
 * generation (of one scope) and the key. Both are random tokens rather than counters: one that Redis evicted comes back
 * as a new one, so an old answer cannot come back with it.
 *
 * An invalidation that could not be written is owed: this process leaves the level alone until it has replaced the
 * epoch. The same after each lost connection, in whose course Redis may have gone back in time or another process may
 * have died owing.
 */
export class LevelTwo {
  readonly #options: LevelTwoOptions;
  readonly #redis: Redis;
  readonly #warn;
  readonly #epochKey: string;
  readonly #sweeping: NodeJS.Timeout;
  #owed = 0;
  #swept = 0;
  #restUntil = 0;

  constructor(options: LevelTwoOptions) {
    const { url, log, namespace } = options;
    this.#options = options;
    this.#warn = createRareWarning(log);
    this.#epochKey = `${namespace}:cache:epoch`;
    this.#redis = openRedis({ url, log, purpose: 'cache', commandTimeoutMs });
    let wasReady = false;
    this.#redis.on('ready', () => {
      wasReady = true;
      void this.#sweep();
    });
    this.#redis.on('close', () => {
      if (wasReady) this.#owed += 1;
    });
    this.#sweeping = setInterval(() => void this.#sweep(), retrySweepMs);
    this.#sweeping.unref();
  }

  /** The answer if it is there, and the place it belongs to; undefined when the level cannot be used now. */
  async find(wanted: {
    cache: string;
    scope: string;
    key: string;
  }): Promise<{ place: Place; stored?: StoredAnswer } | undefined> {
    if (!this.#isUsable()) return undefined;
    try {
      const tokens = await this.#readTokens(wanted.scope);
      const hash = createHash('sha256').update(JSON.stringify([...tokens, wanted.cache, wanted.key]));
      const place = `${this.#options.namespace}:cache:${hash.digest('base64url')}`;
      const bytes = await this.#redis.getBuffer(place);
      const stored = bytes === null ? undefined : decodeAnswer(bytes);
      const now = this.#options.now();
      const validUntil = Math.min(stored?.expiresAt ?? 0, stored?.answer.validUntil ?? Number.POSITIVE_INFINITY);
      return stored === undefined || validUntil <= now ? { place } : { place, stored };
    } catch (error) {
      this.#rest(error);
      return undefined;
    }
  }

  /** Stores an answer at a place found before its computation began; nothing waits for it. */
  store(place: Place, stored: StoredAnswer): void {
    const lifetimeMs = Math.floor(stored.expiresAt - this.#options.now());
    if (!this.#isUsable() || lifetimeMs < 1 || stored.answer.body.length > maxStoredBytes) return;
    this.#redis.set(place, encodeAnswer(stored), 'PX', lifetimeMs).catch((error: unknown) => this.#rest(error));
  }

  /**
   * Makes what is stored for the scopes unreachable to all processes, or owes it; at most 100 ms. What this process
   * looks for from the call on goes to Redis after it on the same connection, so it finds no old place.
   */
  async invalidate(scopes: readonly string[]): Promise<void> {
    try {
      await Promise.all(
        scopes.map((scope) => this.#redis.set(this.#generationKey(scope), newToken(), 'EX', generationKeptSeconds)),
      );
    } catch (error) {
      this.#owed += 1;
      this.#rest(error);
    }
  }

  close(): void {
    clearInterval(this.#sweeping);
    this.#redis.disconnect();
  }

  #isUsable(): boolean {
    return this.#redis.status === 'ready' && this.#owed === this.#swept && performance.now() >= this.#restUntil;
  }

  #generationKey(scope: string): string {
    return `${this.#options.namespace}:cache:generation:${scope}`;
  }

  async #readTokens(scope: string): Promise<(string | null)[]> {
    const keys = [this.#epochKey, this.#generationKey(scope)] as const;
    const tokens = await this.#redis.mget(...keys);
    if (!tokens.includes(null)) return tokens;
    // Another process may do the same at the same time: NX lets one win, and both read the winner's.
    await Promise.all([
      this.#redis.set(keys[0], newToken(), 'NX'),
      this.#redis.set(keys[1], newToken(), 'EX', generationKeptSeconds, 'NX'),
    ]);
    const complete = await this.#redis.mget(...keys);
    if (complete.includes(null)) throw new Error('Redis does not keep what it is given');
    return complete;
  }

  #rest(error: unknown): void {
    // Without a connection commands fail at once; only slowness costs those who wait.
    if (this.#redis.status === 'ready') this.#restUntil = performance.now() + restMs;
    this.#warn({ reason: String(error) }, 'The cache goes on in memory alone: Redis does not answer');
  }

  async #sweep(): Promise<void> {
    const covered = this.#owed;
    if (covered === this.#swept || this.#redis.status !== 'ready') return;
    try {
      await this.#redis.set(this.#epochKey, newToken());
      if (this.#swept >= covered) return;
      this.#swept = covered;
      this.#options.onSwept();
    } catch {
      // The next turn tries again.
    }
  }
}

function newToken(): string {
  return randomBytes(9).toString('base64url');
}
