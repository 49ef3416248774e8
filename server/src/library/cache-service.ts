import { LRUCache } from 'lru-cache';

export interface CacheServiceOptions {
  /** How long a value is kept, in seconds, unless it is set with a lifetime of its own. */
  defaultTTL: number;
  /** How many are kept at most; the one unused for longest goes first. */
  maxKeys: number;
  /** Epoch milliseconds. */
  now?: () => number;
  /** While it answers true, nothing is found here and nothing kept. */
  isBypassed?: () => boolean;
}

interface Flight {
  value: Promise<unknown>;
  /** False once something was invalidated that the computation may have read before. */
  isToBeKept: boolean;
}

/** A value that is never `undefined`, which stands for none. */
export type Cacheable = NonNullable<unknown> | null;

interface Kept {
  value: Cacheable;
}

/**
 * A cache in this process, of values under keys such as `dashboard:{organization}:{type}`. What is kept is handed out
 * as it is: treat it as read-only.
 */
export class CacheService {
  readonly #defaultTTL: number;
  readonly #isBypassed: () => boolean;
  readonly #kept: LRUCache<string, Kept>;
  readonly #flights = new Map<string, Flight>();
  #hits = 0;
  #misses = 0;

  /** Throws a RangeError for a lifetime or a size that is not above 0. */
  constructor(options: CacheServiceOptions) {
    const { defaultTTL, maxKeys, now = () => performance.now(), isBypassed = () => false } = options;
    this.#isBypassed = isBypassed;
    this.#defaultTTL = requirePositive('defaultTTL', defaultTTL, 'seconds');
    if (!Number.isInteger(maxKeys)) requirePositive('maxKeys', Number.NaN, 'keys, a whole number');
    const max = requirePositive('maxKeys', maxKeys, 'keys, a whole number');
    this.#kept = new LRUCache({ max, ttlResolution: 0, perf: { now } });
  }

  /** The value under a key; undefined where none is kept, or no longer. */
  get<Value extends Cacheable>(key: string): Value | undefined {
    const found = this.#isBypassed() ? undefined : this.#kept.get(key);
    if (found) this.#hits += 1;
    else this.#misses += 1;
    return found?.value as Value | undefined;
  }

  /** Keeps a value for so many seconds. */
  set(key: string, value: Cacheable, ttl = this.#defaultTTL): void {
    const lifetimeMs = requirePositive('ttl', ttl, 'seconds') * 1_000;
    // What is being computed under the key began before, and is not to take the place of this.
    this.#loseFlight(key);
    if (this.#isBypassed()) return;
    this.#kept.set(key, { value }, { ttl: lifetimeMs });
  }

  /**
   * The value under a key, or what `compute` answers, which is then kept. It runs once however many ask meanwhile; what
   * it throws is thrown to all of them, and not kept. Nor is what was invalidated while it ran.
   */
  async getOrSet<Value extends Cacheable>(
    key: string,
    compute: () => Value | Promise<Value>,
    ttl?: number,
  ): Promise<Value> {
    const found = this.get<Value>(key);
    if (found !== undefined) return found;
    const known = this.#isBypassed() ? undefined : this.#flights.get(key);
    if (known) return known.value as Promise<Value>;
    const flight: Flight = { value: Promise.try(compute), isToBeKept: true };
    this.#flights.set(key, flight);
    try {
      const value = (await flight.value) as Value;
      if (flight.isToBeKept) this.set(key, value, ttl);
      return value;
    } finally {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    }
  }

  /** Forgets one value; true where there was one. */
  delete(key: string): boolean {
    this.#loseFlight(key);
    return this.#kept.delete(key);
  }

  /** Forgets every value whose key has this part, such as the id of an organization; answers how many there were. */
  invalidate(part: string): number {
    return this.deleteWhere((key) => key.split(':').includes(part));
  }

  /** Forgets the values whose keys pass; answers how many there were. */
  deleteWhere(isGone: (key: string) => boolean): number {
    for (const key of [...this.#flights.keys()].filter(isGone)) this.#loseFlight(key);
    const keys = [...this.#kept.keys()].filter(isGone);
    for (const key of keys) this.#kept.delete(key);
    return keys.length;
  }

  /** Forgets everything. */
  clear(): void {
    for (const key of [...this.#flights.keys()]) this.#loseFlight(key);
    this.#kept.clear();
  }

  /** Counts since it was made, and how many values are kept. */
  stats(): { keys: number; hits: number; misses: number } {
    this.#kept.purgeStale();
    return { keys: this.#kept.size, hits: this.#hits, misses: this.#misses };
  }

  /** A computation under way answers those who wait for it, and nobody after them. */
  #loseFlight(key: string): void {
    const flight = this.#flights.get(key);
    if (!flight) return;
    flight.isToBeKept = false;
    this.#flights.delete(key);
  }
}

function requirePositive(name: string, value: number, unit: string): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new RangeError(`${name} got ${value}: it takes a number of ${unit}, above 0.`);
}
