import type { Bus, JsonValue } from '#platform/bus/bus.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import type { Log } from '#platform/log/log.ts';
import { AnswerCache } from './answer-cache.ts';
import { organizationOf, toScope } from './cache-key.ts';
import { createGenerations } from './generations.ts';
import { LevelTwo } from './level-two.ts';

interface CachesOptions {
  bus: Bus;
  /** The second level; memory alone without it. Installations that share one Redis differ in the namespace. */
  redis?: { url: string; namespace?: string } | undefined;
  log: Log;
  /** Epoch milliseconds. */
  now: () => number;
  /** 0 to below 1, for the jitter of lifetimes. */
  random?: () => number;
}

/** The caches of one process. */
export interface Caches {
  /** What a screen shows: 60 seconds. */
  readonly dashboard: AnswerCache;
  /** Series and comparisons: 5 minutes. */
  readonly metrics: AnswerCache;
  /** Reports of closed periods: 30 minutes. */
  readonly reports: AnswerCache;
  /**
   * To be called after the commit of a change. At once here, and in every connected process before it resolves, no
   * later read of these topics gets an answer whose computation began before the call. Never rejects.
   */
  invalidate(organizationId: string, topics: readonly string[]): Promise<void>;
  /** Does that once the transaction has been committed, or may have been: once for all that it changes. */
  invalidateAfter(tx: OrganizationTx, topics: readonly string[]): void;
  /**
   * Has a listener told of every invalidation, here or heard of, with the organization; undefined where it may be any.
   * Answers how to leave.
   */
  onInvalidated(listener: (organizationId: string | undefined) => void): () => void;
  /** True while invalidations of other processes may go unheard. */
  isCutOff(): boolean;
  stats(): { name: string; hits: number; misses: number; entries: number }[];
  close(): void;
}

const busTopic = 'cache.invalidated';
const mebibyte = 1024 * 1024;

/** Sizes and lifetimes: 64 MiB in all. */
const shelves = {
  dashboard: { name: 'dashboard', lifetimeMs: 60_000, maxEntries: 500, maxBytes: 16 * mebibyte },
  metrics: { name: 'metrics', lifetimeMs: 5 * 60_000, maxEntries: 1_000, maxBytes: 24 * mebibyte },
  reports: { name: 'reports', lifetimeMs: 30 * 60_000, maxEntries: 200, maxBytes: 24 * mebibyte },
} as const;

/** Makes the three caches, joined with those of the other processes through the bus. */
export function createCaches({ bus, redis, log, now, random = Math.random }: CachesOptions): Caches {
  const generations = createGenerations();
  const listeners = new Set<(organizationId: string | undefined) => void>();
  const tell = (organizationId: string | undefined) => {
    for (const listener of listeners) listener(organizationId);
  };
  const raiseAll = () => {
    generations.raiseAll();
    tell(undefined);
  };
  const raise = (scopes: readonly string[]) => {
    for (const scope of scopes) generations.raise(scope);
    for (const organizationId of new Set(scopes.map(organizationOf))) tell(organizationId);
  };
  const onSwept = () => {
    raiseAll();
    bus.publish(busTopic, 'all');
  };
  const levelTwo =
    redis && new LevelTwo({ url: redis.url, namespace: redis.namespace ?? 'almanac', log, now, onSwept });
  const isCutOff = () => bus.isShared && !bus.isConnected();
  const shared = { generations, levelTwo, isCutOff, now, random };
  const caches = {
    dashboard: new AnswerCache({ ...shelves.dashboard, ...shared }),
    metrics: new AnswerCache({ ...shelves.metrics, ...shared }),
    reports: new AnswerCache({ ...shelves.reports, ...shared }),
  };
  const leaveTopic = bus.subscribe(busTopic, (message) => {
    // A message of another shape is a newer version's.
    if (isListOfTexts(message)) raise(message);
    else raiseAll();
  });
  const leaveRestored = bus.onRestored(raiseAll);
  const invalidate = async (organizationId: string, topics: readonly string[]) => {
    const scopes = topics.map((topic) => toScope(organizationId, topic));
    raise(scopes);
    // The second level before the message: who hears the message must not find the old answer there.
    await levelTwo?.invalidate(scopes);
    await bus.publishAndSettle(busTopic, scopes);
  };

  return {
    ...caches,
    invalidate,
    invalidateAfter: gatherTopics(invalidate),
    isCutOff,
    onInvalidated(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stats: () => Object.values(caches).map((cache) => cache.stats()),
    close() {
      leaveTopic();
      leaveRestored();
      levelTwo?.close();
      for (const cache of Object.values(caches)) cache.close();
    },
  };
}

function isListOfTexts(message: JsonValue): message is string[] {
  return Array.isArray(message) && message.every((scope) => typeof scope === 'string');
}

/** One call for all topics of a transaction: each waits until every process has heard it. */
function gatherTopics(invalidate: Caches['invalidate']): Caches['invalidateAfter'] {
  const gathered = new WeakMap<OrganizationTx, Set<string>>();
  return (tx, topics) => {
    const known = gathered.get(tx);
    const all = known ?? new Set<string>();
    for (const topic of topics) all.add(topic);
    if (known) return;
    gathered.set(tx, all);
    tx.afterPossibleCommit(() => invalidate(tx.organizationId, [...all]));
  };
}
