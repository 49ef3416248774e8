import { LRUCache } from 'lru-cache';
import { type CacheKey, toKeyText, toScope } from './cache-key.ts';
import type { CachedAnswer } from './cached-answer.ts';
import type { Generations } from './generations.ts';
import type { LevelTwo } from './level-two.ts';

export interface AnswerCacheOptions {
  name: string;
  lifetimeMs: number;
  maxEntries: number;
  maxBytes: number;
  generations: Generations;
  levelTwo?: LevelTwo | undefined;
  /** Whether invalidations of other processes may go unheard at the moment. */
  isCutOff: () => boolean;
  /** Epoch milliseconds. */
  now: () => number;
  /** 0 to below 1, for the jitter of lifetimes. */
  random: () => number;
}

interface Entry {
  answer: CachedAnswer;
  scope: string;
  begun: number;
  startedAt: number;
  expiresAt: number;
}

interface Flight {
  scope: string;
  begun: number;
  startedAt: number;
  answer: Promise<CachedAnswer>;
}

/** How old an answer may be while invalidations may go unheard. */
const cutOffLifetimeMs = 1_000;
const jitter = 0.1;
const entryOverheadBytes = 300;

/** One named cache of answers: memory first, then the second level, then the computation. */
export class AnswerCache {
  readonly #options: AnswerCacheOptions;
  readonly #entries: LRUCache<string, Entry>;
  readonly #flights = new Map<string, Flight>();
  #hits = 0;
  #misses = 0;

  constructor(options: AnswerCacheOptions) {
    this.#options = options;
    this.#entries = new LRUCache({
      max: options.maxEntries,
      maxSize: options.maxBytes,
      sizeCalculation: ({ answer }, key) =>
        answer.body.length + answer.etag.length + 2 * key.length + entryOverheadBytes,
    });
  }

  /** The answer when memory has it; nothing is waited for. */
  peek(key: CacheKey): CachedAnswer | undefined {
    const entry = this.#entries.get(toKeyText(key));
    if (entry === undefined || !this.#isServable(entry)) return undefined;
    this.#hits += 1;
    return entry.answer;
  }

  /**
   * The answer from memory, from the second level or from `compute`, which runs once however many ask. What `compute`
   * throws is thrown to all who wait for it, and is not kept.
   */
  async getOrSet(key: CacheKey, compute: () => Promise<CachedAnswer>): Promise<CachedAnswer> {
    const text = toKeyText(key);
    const entry = this.#entries.get(text);
    if (entry !== undefined && this.#isServable(entry)) {
      this.#hits += 1;
      return entry.answer;
    }
    this.#misses += 1;
    const arrivedAt = this.#options.now();
    const flight = this.#flights.get(text);
    if (flight === undefined || !this.#canBeJoined(flight, arrivedAt)) return this.#begin(text, key, compute);
    const answer = await flight.answer;
    const { validUntil } = answer;
    const hasEnded = validUntil !== undefined && flight.startedAt < validUntil && validUntil <= arrivedAt;
    return hasEnded ? this.getOrSet(key, compute) : answer;
  }

  /** Counts since the start, for the hit ratio. */
  stats(): { name: string; hits: number; misses: number; entries: number } {
    const { name } = this.#options;
    return { name, hits: this.#hits, misses: this.#misses, entries: this.#entries.size };
  }

  close(): void {
    this.#entries.clear();
    this.#flights.clear();
  }

  #isServable(entry: Entry): boolean {
    const { now, generations, isCutOff } = this.#options;
    const at = now();
    if (at >= entry.expiresAt || at < entry.startedAt) return false;
    if (!generations.isCurrent(entry.scope, entry.begun)) return false;
    return at - entry.startedAt <= cutOffLifetimeMs || !isCutOff();
  }

  /** A caller may share a computation only if nothing was invalidated between its beginning and the call. */
  #canBeJoined(flight: Flight, at: number): boolean {
    const { generations, isCutOff } = this.#options;
    if (!generations.isCurrent(flight.scope, flight.begun)) return false;
    return at - flight.startedAt <= cutOffLifetimeMs || !isCutOff();
  }

  #begin(text: string, key: CacheKey, compute: () => Promise<CachedAnswer>): Promise<CachedAnswer> {
    const { now, generations } = this.#options;
    const start = {
      scope: toScope(key.organizationId, key.topic),
      begun: generations.current(),
      startedAt: now(),
    };
    const answer = this.#look(text, start, compute).finally(() => {
      if (this.#flights.get(text) === flight) this.#flights.delete(text);
    });
    const flight: Flight = { ...start, answer };
    this.#flights.set(text, flight);
    return answer;
  }

  async #look(
    text: string,
    start: Omit<Flight, 'answer'>,
    compute: () => Promise<CachedAnswer>,
  ): Promise<CachedAnswer> {
    const { name, lifetimeMs, levelTwo, random } = this.#options;
    const latest = start.startedAt + lifetimeMs * (1 - jitter + 2 * jitter * random());
    const found = await levelTwo?.find({ cache: name, scope: start.scope, key: text });
    if (found?.stored !== undefined) {
      const { answer, expiresAt } = found.stored;
      this.#keep(text, start, { answer, expiresAt: Math.min(expiresAt, latest) });
      return answer;
    }
    const answer = await compute();
    const expiresAt = Math.min(latest, answer.validUntil ?? Number.POSITIVE_INFINITY);
    const isKept = this.#keep(text, start, { answer, expiresAt });
    if (isKept && found !== undefined) levelTwo?.store(found.place, { answer, expiresAt });
    return answer;
  }

  /** Keeps an answer unless its scope was invalidated since its computation began. */
  #keep(text: string, start: Omit<Flight, 'answer'>, value: Pick<Entry, 'answer' | 'expiresAt'>): boolean {
    if (!this.#options.generations.isCurrent(start.scope, start.begun)) return false;
    this.#entries.set(text, { ...start, ...value });
    return true;
  }
}
