import type { InstanceTx } from '#platform/db/scopes.ts';
import type { Feed } from '#platform/feed/feed.ts';
import { defineJob, type InstanceJob, type InstanceRun } from '#platform/jobs/define-job.ts';
import type { Jobs } from '#platform/jobs/jobs.ts';
import { raiseAlert, resolveAlerts } from '#platform/jobs/system-alerts.ts';
import { announceAlerts } from './announce-alerts.ts';
import { judgeHealth } from './judge-health.ts';
import { describeRatio, measureBlocks, mergeReadings, toBuckets } from './merge-readings.ts';
import type { ReadingsReporter } from './report-readings.ts';
import {
  addToBuckets,
  type CheckRow,
  deleteSomeOld,
  insertCheck,
  type MetricDraft,
  putHealthChecks,
  readVitals,
  setCheckAlerts,
  takeReadings,
} from './system.store.ts';
import { findLastCheck, type RuleState, readRules } from './system.views.ts';

export interface MonitorNeeds {
  jobs: Pick<Jobs, 'queueDepth'>;
  feed: Pick<Feed, 'publish'>;
  reporter: Pick<ReadingsReporter, 'report'>;
  /** The free part of the disk that the data lies on; undefined where that cannot be known. */
  readFreeDisk: () => Promise<number | undefined>;
}

/** The background work of monitoring. */
export function systemJobs(needs: MonitorNeeds): InstanceJob[] {
  return [
    defineJob({
      name: 'monitor_system_performance',
      summary: 'Takes in what the processes measured, applies the alert rules and tells administrators.',
      scope: 'instance',
      schedule: '*/5 * * * *',
      missed: 'skip',
      retry: { limit: 2, delaySeconds: 10 },
      timeoutSeconds: 120,
      maxFailures: 10,
      handler: (run) => monitor(run, needs),
    }),
  ];
}

const mostDeletions = 10;

async function monitor(run: InstanceRun, needs: MonitorNeeds) {
  await needs.reporter.report();
  const depths = await needs.jobs.queueDepth();
  // This run itself is under way whenever it looks.
  const others = depths.filter(({ job }) => job !== run.job);
  const outside = { queue: sumQueue(others), freeDisk: await needs.readFreeDisk() };
  const checked = await run.inInstance((tx) => check(tx, { now: run.now(), ...outside }));
  const alertsTold = await run.inInstance((tx) => announceAlerts(tx, needs.feed));
  let deleted = 0;
  for (let step = 0; step < mostDeletions && !run.signal.aborted; step += 1) {
    const { rows, isDone } = await run.inInstance((tx) => deleteSomeOld(tx, run.now()));
    deleted += rows;
    if (isDone) break;
  }
  return { ...checked, alerts_told: alertsTold, deleted };
}

type Queue = CheckRow['queue'];

function sumQueue(depths: Awaited<ReturnType<Jobs['queueDepth']>>): Queue {
  const sum = (values: number[]) => values.reduce((added, value) => added + value, 0);
  return { waiting: sum(depths.map(({ waiting }) => waiting)), running: sum(depths.map(({ running }) => running)) };
}

interface Outside {
  now: Date;
  queue: Queue;
  freeDisk: number | undefined;
}

/** Takes in what was measured, writes the check down, and opens and ends alerts, all in one transaction. */
async function check(tx: InstanceTx, { now, queue, freeDisk }: Outside) {
  const readings = await takeReadings(tx);
  const measured = mergeReadings(readings);
  const vitals = await readVitals(tx);
  const row: CheckRow = {
    vitals,
    queue,
    window: measureBlocks(vitals, await findLastCheck(tx)),
    slowQueries: vitals.runningSlow + measured.slowQueries,
    requests: measured.requests,
    failedRequests: measured.failedRequests,
    eventLoopMs: measured.eventLoop?.meanMs ?? null,
    sockets: measured.sockets,
  };
  const checkId = await insertCheck(tx, row, now);
  const buckets = toBuckets([...measured.metrics, ...describeCheck(row, now)]);
  await addToBuckets(tx, buckets, now);
  const rules = await readRules(tx);
  const alerts = await applyRules(tx, rules, now);
  const broken = rules.filter(({ status }) => status === 'broken');
  await setCheckAlerts(
    tx,
    checkId,
    broken.map(({ kind, value, threshold }) => ({ kind, value, threshold })),
  );
  const health = judgeHealth({
    ...{ now, rules, lastCheckAt: now, databaseMs: 0, eventLoopMs: row.eventLoopMs ?? undefined },
    ...{ waitingRuns: queue.waiting, overdueEvents: vitals.overdueEvents, freeDiskPercent: freeDisk },
  });
  await putHealthChecks(tx, health, now);
  return { readings: readings.length, metrics: buckets.length, ...alerts };
}

/** What the check itself measured, as samples. */
function describeCheck({ vitals, window, slowQueries, sockets, queue }: CheckRow, at: Date): MetricDraft[] {
  const gauge = (
    value: number,
    named: Pick<MetricDraft, 'service' | 'metricType'> & { endpoint?: string },
  ): MetricDraft => ({ at, endpoint: null, ...named, samples: 1, total: value, peak: value, histogram: null });
  const queueDepth = { service: 'jobs', metricType: 'queue_depth' } as const;
  const ratio = { metricType: 'cache_hit_ratio', service: 'database', endpoint: null } as const;
  return [
    describeRatio(at, ratio, [window.hits, window.blocks]),
    gauge(vitals.connections, { service: 'database', metricType: 'connections' }),
    gauge(slowQueries, { service: 'database', metricType: 'slow_queries' }),
    ...(sockets === null ? [] : [gauge(sockets, { service: 'api', metricType: 'sockets' })]),
    gauge(queue.waiting, { ...queueDepth, endpoint: 'waiting' }),
    gauge(queue.running, { ...queueDepth, endpoint: 'running' }),
  ].filter(({ samples }) => samples > 0);
}

/** Opens an alert for each broken rule and ends those of rules that are kept; one that cannot be judged stays as it is. */
async function applyRules(tx: InstanceTx, rules: readonly RuleState[], now: Date) {
  let [opened, ended] = [0, 0];
  for (const rule of rules) {
    const { kind, subject, status } = rule;
    // The job engine opens and ends these itself, one for each job.
    if (kind === 'job_failures') continue;
    if (status === 'broken' && (await raiseAlert(tx.db, { kind, subject, message: describeRule(rule), now })))
      opened += 1;
    if (status === 'kept') ended += await resolveAlerts(tx.db, { kind, subjects: [subject], now });
  }
  return { alerts_opened: opened, alerts_ended: ended };
}

function describeRule({ kind, value, threshold, samples }: RuleState): string {
  const count = samples?.toLocaleString('en') ?? 'no';
  switch (kind) {
    case 'cache_hit_ratio':
      return `PostgreSQL found ${value} % of ${count} blocks in its cache; under ${threshold} % is too few. Give it more shared_buffers, or look at the slow queries.`;
    case 'connections':
      return `${count} connections are ${value} % of what PostgreSQL allows; more than ${threshold} % is too many. Raise max_connections, or run fewer processes.`;
    case 'slow_queries':
      return `${count} queries took more than 5 seconds since the check before. GET /api/system/performance names the slowest.`;
    case 'error_rate':
      return `${value} % of ${count} requests failed on the server; more than ${threshold} % is too many. The log says why.`;
    default:
      throw new Error(`There is no alert '${kind}'.`);
  }
}
