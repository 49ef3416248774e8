import type { Log } from '#platform/log/log.ts';
import type { IssuerKeys } from './fetch-keys.ts';
import { issuerUnavailable } from './issuers.errors.ts';

/** From this age on keys are fetched anew behind the request that needs them. */
const freshMs = 5 * 60_000;
/** From this age on a request waits for newer keys, so that one taken out of the set stops working. */
const staleMs = 10 * 60_000;
/** How long known keys count while the issuer cannot be reached. */
const keptMs = 24 * 3_600_000;
const pauseMs = 30_000;
const pauseWithoutKeysMs = 5_000;

interface HolderOptions {
  issuer: string;
  /** Bounded in time. */
  fetch: () => Promise<IssuerKeys>;
  now: () => Date;
  log: Pick<Log, 'warn'>;
}

/** The keys of one issuer, as new as they need to be. */
export interface KeyHolder {
  /** Throws ISSUER_UNAVAILABLE where none are known and none can be had. */
  get(): Promise<IssuerKeys>;
  /** The keys after a look for one that was missing; a look at most every 30 seconds. Throws as `get` does. */
  getNewer(): Promise<IssuerKeys>;
}

/** Makes the holder: one fetch at a time, and a pause between two, whoever asks and however often. */
export function createKeyHolder({ issuer, fetch, now, log }: HolderOptions): KeyHolder {
  let held: { keys: IssuerKeys; atMs: number } | undefined;
  let tried: { atMs: number; hasFailed: boolean } | undefined;
  let running: Promise<void> | undefined;

  // A clock that was set back must not hold a fetch up until it has caught up.
  const sinceMs = (atMs: number, orElse: number) => {
    const elapsed = now().getTime() - atMs;
    return elapsed < 0 ? orElse : elapsed;
  };
  const ageMs = () => (held ? sinceMs(held.atMs, staleMs) : Number.POSITIVE_INFINITY);
  const isHeld = () => ageMs() < keptMs;
  const remainingMs = () => {
    const pause = isHeld() ? pauseMs : pauseWithoutKeysMs;
    return tried ? pause - sinceMs(tried.atMs, pause) : 0;
  };

  const refresh = async () => {
    const atMs = now().getTime();
    tried = { atMs, hasFailed: tried?.hasFailed ?? false };
    try {
      held = { keys: await fetch(), atMs };
      tried = { atMs, hasFailed: false };
    } catch (error) {
      tried = { atMs, hasFailed: true };
      log.warn({ issuer, err: error }, 'the keys of an outside issuer cannot be had');
    } finally {
      running = undefined;
    }
  };
  const refreshWhenDue = () => {
    if (!running && remainingMs() <= 0) running = refresh();
    return running;
  };
  const getHeld = () => {
    if (held && isHeld()) return held.keys;
    throw issuerUnavailable(issuer, remainingMs() / 1000);
  };

  return {
    get: async () => {
      const age = ageMs();
      if (age < freshMs) return getHeld();
      const refreshing = refreshWhenDue();
      // While it is known to be away, nobody waits for it who can do without.
      if (age >= keptMs || (age >= staleMs && !tried?.hasFailed)) await refreshing;
      return getHeld();
    },
    getNewer: async () => {
      await refreshWhenDue();
      if (tried?.hasFailed) throw issuerUnavailable(issuer, remainingMs() / 1000);
      return getHeld();
    },
  };
}
