import { sql } from 'kysely';
import type { RootHandle } from '../db/database.ts';
import type { JobDefinition } from './define-job.ts';
import { findNextDueTime } from './due-times.ts';
import { readConfigs } from './job-config.ts';
import type { JobLogEntry } from './job-log.ts';
import { queueSchema } from './queue.ts';
import { parseSchedule } from './schedule.ts';

/** A job as an operator sees it. */
export interface JobStatus {
  name: string;
  summary: string;
  scope: 'instance' | 'organization';
  schedule: string | null;
  timezone: string;
  isPaused: boolean;
  maxFailures: number;
  consecutiveFailures: number;
  /** Organizations in which the job paused itself. */
  pausedOrganizations: number;
  waiting: number;
  running: number;
  nextDueAt: Date | null;
  lastRun: Pick<JobLogEntry, 'id' | 'status' | 'slot' | 'startedAt' | 'finishedAt' | 'durationMs'> | null;
}

/** How many runs of a job wait and are under way, on all processes. */
export interface QueueDepth {
  job: string;
  waiting: number;
  running: number;
}

interface LastRunRow {
  jobName: string;
  id: string;
  status: JobLogEntry['status'];
  slot: Date;
  startedAt: Date;
  finishedAt: Date | null;
  durationMs: number | null;
}

/** Lists the jobs with their settings and state, by name. */
export async function listJobs(root: RootHandle, jobs: readonly JobDefinition[], now: Date): Promise<JobStatus[]> {
  const names = jobs.map(({ name }) => name).sort();
  const [configs, depths, lastRuns, paused] = await Promise.all([
    readConfigs(root),
    readQueueDepth(root),
    readLastRuns(root, names),
    countPausedOrganizations(root),
  ]);
  return [...jobs]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, summary, scope, timezone = 'UTC', maxFailures, schedule = null }) => {
      const {
        lastSlot: _slot,
        dueAfter: _after,
        ...config
      } = configs.get(name) ?? {
        name,
        schedule,
        timezone,
        maxFailures,
        isPaused: false,
        consecutiveFailures: 0,
        lastSlot: null,
        dueAfter: now,
      };
      const depth = depths.find(({ job }) => job === name);
      const next =
        config.schedule === null || config.isPaused
          ? undefined
          : findNextDueTime(parseSchedule(config.schedule, config.timezone), now);
      return {
        ...config,
        summary,
        scope,
        pausedOrganizations: paused.get(name) ?? 0,
        waiting: depth?.waiting ?? 0,
        running: depth?.running ?? 0,
        nextDueAt: next ?? null,
        lastRun: lastRuns.get(name) ?? null,
      };
    });
}

/** Counts the runs in the queue, by job. */
export async function readQueueDepth(root: RootHandle): Promise<QueueDepth[]> {
  const { rows } = await sql<QueueDepth>`
    select name as job, count(*) filter (where state < 'active') as waiting,
      count(*) filter (where state = 'active') as running
    from ${sql.id(queueSchema, 'job')} where state <= 'active' group by name order by name`.execute(root);
  return rows;
}

async function readLastRuns(root: RootHandle, names: readonly string[]): Promise<Map<string, JobStatus['lastRun']>> {
  const { rows } = await sql<LastRunRow>`
    select n.name as "jobName", l.id, l.status, l.slot, l.started_at as "startedAt", l.finished_at as "finishedAt",
      l.duration_ms as "durationMs"
    from unnest(${[...names]}::text[]) as n (name) cross join lateral (
      select * from scheduled_job_logs l where l.job_name = n.name order by l.started_at desc, l.id desc limit 1) l
  `.execute(root);
  return new Map(rows.map(({ jobName, ...run }) => [jobName, run]));
}

async function countPausedOrganizations(root: RootHandle): Promise<Map<string, number>> {
  const { rows } = await sql<{ name: string; count: number }>`
    select job_name as name, count(*) as count from job_organizations where is_paused group by job_name`.execute(root);
  return new Map(rows.map(({ name, count }) => [name, count]));
}
