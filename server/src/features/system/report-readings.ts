import { newId } from '#kernel/ids.ts';
import { createRareWarning } from '#platform/bus/rare-warning.ts';
import type { Caches } from '#platform/cache/caches.ts';
import type { Database } from '#platform/db/database.ts';
import type { Scopes } from '#platform/db/scopes.ts';
import type { Log } from '#platform/log/log.ts';
import { requestDurationMetric } from '#platform/telemetry/request-metrics.ts';
import type { Telemetry } from '#platform/telemetry/telemetry.ts';
import { type RequestCounts, readRequestCounts, subtractRequests } from './read-requests.ts';
import { insertReading, insertSlowStatements, type ProcessReading } from './system.store.ts';

export interface ReporterNeeds {
  telemetry: Pick<Telemetry, 'readSamples' | 'takeEventLoopSpan'>;
  caches: Pick<Caches, 'stats'>;
  database: Pick<Database, 'takeSlowStatements'>;
  scopes: Pick<Scopes, 'inInstance'>;
  now: () => Date;
  log: Pick<Log, 'warn'>;
}

/** Tells the database what this process measures, for the check that sums all processes. */
export interface ReadingsReporter {
  /** Tells what was measured since the last time. Where that fails, it is told with the next; never rejects. */
  report(): Promise<void>;
  /** Tells it every 30 seconds from now on. */
  start(): void;
  /** Tells what is left, and no more. */
  close(): Promise<void>;
}

const beatMs = 30_000;

export function createReadingsReporter(needs: ReporterNeeds): ReadingsReporter {
  const warn = createRareWarning(needs.log);
  const processId = newId();
  let told = emptyTotals();
  let timer: NodeJS.Timeout | undefined;
  let reporting = Promise.resolve();
  let slow: ReturnType<Database['takeSlowStatements']> = [];

  const reportOnce = async () => {
    slow.push(...needs.database.takeSlowStatements());
    try {
      const totals = await readTotals(needs);
      const reading = subtract(totals, told, slow);
      await needs.scopes.inInstance(async (tx) => {
        await insertSlowStatements(tx, slow, needs.now());
        await insertReading(tx, { processId, at: needs.now(), reading });
      });
      told = totals;
      slow = [];
    } catch (error) {
      slow = slow.slice(-mostKept);
      warn({ err: error }, 'what this process measured could not be told; it is told later');
    }
  };
  const report = () => {
    reporting = reporting.then(reportOnce);
    return reporting;
  };
  return {
    report,
    start: () => {
      timer ??= setInterval(() => void report(), beatMs).unref();
    },
    close: async () => {
      if (timer === undefined) return;
      clearInterval(timer);
      await report();
    },
  };
}

const mostKept = 500;

/** Running totals of this process. */
interface Totals {
  requests: RequestCounts;
  caches: ReadonlyMap<string, { hits: number; misses: number }>;
  sockets: number;
  eventLoop: ProcessReading['eventLoop'];
}

function emptyTotals(): Totals {
  const eventLoop = { windows: 0, p99Sum: 0, max: 0 };
  return { requests: new Map(), caches: new Map(), sockets: 0, eventLoop };
}

async function readTotals({ telemetry, caches }: ReporterNeeds): Promise<Totals> {
  const requests = await telemetry.readSamples(requestDurationMetric);
  const sockets = await telemetry.readSamples('almanac_sockets');
  return {
    requests: readRequestCounts(requests),
    caches: new Map(caches.stats().map(({ name, hits, misses }) => [name, { hits, misses }])),
    sockets: sockets.reduce((sum, { value }) => sum + value, 0),
    // A delay that could not be told is of no use later.
    eventLoop: telemetry.takeEventLoopSpan(),
  };
}

function subtract(totals: Totals, told: Totals, slow: readonly { verySlowCalls: number }[]): ProcessReading {
  return {
    requests: subtractRequests(totals.requests, told.requests),
    caches: [...totals.caches].map(([name, { hits, misses }]) => {
      const before = told.caches.get(name) ?? { hits: 0, misses: 0 };
      return { name, hits: hits - before.hits, misses: misses - before.misses };
    }),
    eventLoop: totals.eventLoop,
    sockets: totals.sockets,
    slowQueries: slow.reduce((sum, { verySlowCalls }) => sum + verySlowCalls, 0),
  };
}
