import type { EndpointAnswer, EndpointInput } from '@almanac/contract/endpoint.ts';
import type { getHealth, listAlerts } from '@almanac/contract/system.ts';
import { isConnectionFault } from '#platform/db/faults.ts';
import type { Scopes } from '#platform/db/scopes.ts';
import { AppError } from '#platform/errors/app-error.ts';
import { type Cursors, toPage } from '#platform/http/cursor.ts';
import type { Jobs } from '#platform/jobs/jobs.ts';
import { type HealthStatus, judgeHealth, worstOf } from './judge-health.ts';
import { type PeriodInput, readPeriod } from './read-period.ts';
import { type PerformanceReport, shapeReport } from './shape-report.ts';
import { readVitals } from './system.store.ts';
import {
  type AlertRow,
  findLastCheck,
  listAlertRows,
  readBuckets,
  readHealthChecks,
  readRoutes,
  readRules,
  readSlowQueries,
} from './system.views.ts';

export interface SystemServiceNeeds {
  scopes: Pick<Scopes, 'inInstance'>;
  jobs: Pick<Jobs, 'queueDepth'>;
  cursors: Cursors;
  readFreeDisk: () => Promise<number | undefined>;
  now: () => Date;
}

type Health = EndpointAnswer<typeof getHealth>;

/** How the installation runs. */
export interface SystemService {
  /** The word itself, at most ten seconds old; `critical` where the database cannot be reached. */
  getSystemHealth(): Promise<HealthStatus>;
  /** What was measured in a period: times (RFC 3339), or days of UTC, the last of which is whole. */
  getPerformanceReport(period: PeriodInput): Promise<PerformanceReport>;
  /** Check by check, now. */
  readHealth(): Promise<Health>;
  listAlerts(query: EndpointInput<typeof listAlerts>['query']): Promise<EndpointAnswer<typeof listAlerts>>;
}

const healthKeptMs = 10_000;

export function createSystemService(needs: SystemServiceNeeds): SystemService {
  const { scopes, cursors, now } = needs;
  let known: { at: number; status: Promise<HealthStatus> } | undefined;
  return {
    getSystemHealth: () => {
      const at = now().getTime();
      // Also where the clock was set back.
      if (!known || Math.abs(at - known.at) >= healthKeptMs) {
        const status = readHealth(needs).then((health) => health.status);
        // A fault is not kept.
        status.catch(() => {
          known = undefined;
        });
        known = { at, status };
      }
      return known.status;
    },
    readHealth: () => readHealth(needs),
    getPerformanceReport: async (input) => {
      const period = readPeriod(input, now());
      return scopes.inInstance(async (tx) =>
        shapeReport({
          period,
          buckets: await readBuckets(tx, period.buckets),
          routes: await readRoutes(tx, period.buckets),
          lastCheck: await findLastCheck(tx, period.buckets),
          slowQueries: await readSlowQueries(tx),
        }),
      );
    },
    listAlerts: async ({ state, limit = 100, cursor }) => {
      const list = `system.listAlerts/${state ?? ''}`;
      const before = cursor === undefined ? undefined : openPosition(cursors, list, cursor);
      const rows = await scopes.inInstance((tx) => listAlertRows(tx, { state, limit: limit + 1, before }));
      const page = toPage(rows, limit, ({ openedAt, id }) => cursors.seal(list, [openedAt.getTime(), id]));
      return { ...page, items: page.items.map(presentAlert) };
    },
  };
}

async function readHealth(needs: SystemServiceNeeds): Promise<Health> {
  const now = needs.now();
  const [stored, freeDiskPercent] = await Promise.all([readStored(needs), needs.readFreeDisk()]);
  const checks = judgeHealth({ now, freeDiskPercent, ...stored.facts });
  return {
    status: worstOf(checks),
    checks: checks.map((check) => {
      const known = stored.checks.get(check.name);
      const since = known?.status === check.status ? known.since : now;
      return { ...check, since: since.toISOString() };
    }),
  };
}

/** What the database knows; nothing where it cannot be reached, which is an answer and no fault. */
async function readStored({ scopes, jobs }: SystemServiceNeeds) {
  const startedMs = performance.now();
  try {
    const { databaseMs, ...read } = await scopes.inInstance(async (tx) => ({
      rules: await readRules(tx),
      databaseMs: Math.round(performance.now() - startedMs),
      lastCheck: await findLastCheck(tx),
      vitals: await readVitals(tx),
      checks: await readHealthChecks(tx),
    }));
    const depths = await jobs.queueDepth();
    const facts = {
      ...{ databaseMs, rules: read.rules, lastCheckAt: read.lastCheck?.at },
      eventLoopMs: read.lastCheck?.eventLoopMs ?? undefined,
      waitingRuns: depths.reduce((sum, { waiting }) => sum + waiting, 0),
      overdueEvents: read.vitals.overdueEvents,
    };
    return { facts, checks: read.checks };
  } catch (error) {
    if (!isDatabaseAway(error)) throw error;
    const unknown = {
      lastCheckAt: undefined,
      eventLoopMs: undefined,
      waitingRuns: undefined,
      overdueEvents: undefined,
    };
    return { facts: { ...unknown, databaseMs: undefined, rules: [] }, checks: new Map() };
  }
}

function isDatabaseAway(error: unknown): boolean {
  return isConnectionFault(error) || (error instanceof AppError && error.code === 'DATABASE_UNAVAILABLE');
}

function openPosition(cursors: Cursors, list: string, cursor: string) {
  const [openedAtMs, id] = cursors.open<[number, string]>(list, cursor);
  return { openedAt: new Date(openedAtMs), id };
}

function presentAlert({
  openedAt,
  resolvedAt,
  ...alert
}: AlertRow): EndpointAnswer<typeof listAlerts>['items'][number] {
  return {
    ...alert,
    state: resolvedAt === null ? 'open' : 'past',
    opened_at: openedAt.toISOString(),
    ended_at: resolvedAt?.toISOString() ?? null,
  };
}
