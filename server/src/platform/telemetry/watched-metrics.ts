import { Counter, Gauge, type Registry } from 'prom-client';
import type { Log } from '#platform/log/log.ts';
import { createBoundedLabel } from './bounded-label.ts';
import { createSlowReading } from './slow-reading.ts';

/** A pool of database connections. */
export interface PoolReading {
  pool: string;
  total: number;
  idle: number;
  waiting: number;
}

/** A cache, with what it counted since the start. */
export interface CacheReading {
  cache: string;
  hits: number;
  misses: number;
}

/** The open connections of one kind. */
export interface SocketReading {
  transport: string;
  namespace: string;
  count: number;
}

/** Registers who is asked when the metrics are read. Each may be called more than once, for further sources. */
export interface WatchedMetrics {
  watchPools(read: () => Iterable<PoolReading>): void;
  watchCaches(read: () => Iterable<CacheReading>): void;
  watchSockets(read: () => Iterable<SocketReading>): void;
  /** Asked at most every five seconds and waited for at most one: jobs waiting, by queue. */
  watchQueues(read: () => Promise<Readonly<Record<string, number>>>): void;
}

const maxNames = 100;

interface WatchedOptions {
  registry: Registry;
  now: () => Date;
  log: Log | undefined;
}

/** Makes the metrics that are read from their owners when somebody looks. */
export function createWatchedMetrics({ registry, now, log }: WatchedOptions): WatchedMetrics {
  const queueReaders: (() => Promise<Readonly<Record<string, number>>>)[] = [];
  const boundQueue = createBoundedLabel(maxNames);
  new Gauge({
    name: 'almanac_job_queue_depth',
    help: 'Jobs that wait to be run, by queue; up to five seconds old.',
    labelNames: ['queue'],
    registers: [registry],
    async collect() {
      const readings = await Promise.all(queueReaders.map((read) => read()));
      this.reset();
      for (const [queue, depth] of readings.flatMap(Object.entries)) this.inc({ queue: boundQueue(queue) }, depth);
    },
  });
  return {
    watchPools: watchPools(registry),
    watchCaches: watchCaches(registry),
    watchSockets: watchSockets(registry),
    watchQueues: (read) => queueReaders.push(createSlowReading({ read, now, log })),
  };
}

function watchPools(registry: Registry): WatchedMetrics['watchPools'] {
  const readers: (() => Iterable<PoolReading>)[] = [];
  new Gauge({
    name: 'almanac_database_pool_connections',
    help: 'Database connections, by pool and state.',
    labelNames: ['pool', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { pool, total, idle } of readAll(readers)) {
        this.set({ pool, state: 'idle' }, idle);
        this.set({ pool, state: 'busy' }, total - idle);
      }
    },
  });
  new Gauge({
    name: 'almanac_database_pool_waiting',
    help: 'Callers that wait for a database connection, by pool.',
    labelNames: ['pool'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { pool, waiting } of readAll(readers)) this.set({ pool }, waiting);
    },
  });
  return (read) => readers.push(read);
}

function watchCaches(registry: Registry): WatchedMetrics['watchCaches'] {
  const readers: (() => Iterable<CacheReading>)[] = [];
  const boundCache = createBoundedLabel(maxNames);
  for (const kind of ['hits', 'misses'] as const) {
    new Counter({
      name: `almanac_cache_${kind}_total`,
      help: `Look-ups that were cache ${kind}, by cache.`,
      labelNames: ['cache'],
      registers: [registry],
      collect() {
        this.reset();
        for (const reading of readAll(readers)) this.inc({ cache: boundCache(reading.cache) }, reading[kind]);
      },
    });
  }
  return (read) => readers.push(read);
}

function watchSockets(registry: Registry): WatchedMetrics['watchSockets'] {
  const readers: (() => Iterable<SocketReading>)[] = [];
  const boundNamespace = createBoundedLabel(maxNames);
  new Gauge({
    name: 'almanac_sockets',
    help: 'Open realtime connections, by transport and namespace.',
    labelNames: ['transport', 'namespace'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { transport, namespace, count } of readAll(readers)) {
        this.inc({ transport, namespace: boundNamespace(namespace) }, count);
      }
    },
  });
  return (read) => readers.push(read);
}

function readAll<T>(readers: readonly (() => Iterable<T>)[]): T[] {
  return readers.flatMap((read) => [...read()]);
}
