import type { EndpointAnswer, EndpointInput } from '@almanac/contract/endpoint.ts';
import type { listJobLogs, listJobs, runJob, updateJob } from '@almanac/contract/system-jobs.ts';
import { recordChange } from '#features/audit/index.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import { notFound, validationFailed } from '#platform/errors/app-error.ts';
import { type Cursors, toPage } from '#platform/http/cursor.ts';
import type { Jobs } from '#platform/jobs/jobs.ts';
import { parseSchedule } from '#platform/jobs/schedule.ts';

export interface SystemJobsNeeds {
  jobs: Pick<Jobs, 'list' | 'logs' | 'runNow' | 'configure'>;
  cursors: Cursors;
  now: () => Date;
}

type PresentedJob = EndpointAnswer<typeof updateJob>;
type JobState = Awaited<ReturnType<Jobs['list']>>[number];
type LogEntry = Awaited<ReturnType<Jobs['logs']>>[number];

/** What administrators of the installation do about its jobs. */
export interface SystemJobsService {
  list(): Promise<EndpointAnswer<typeof listJobs>>;
  /** Throws NOT_FOUND for a job that is none, IN_PROGRESS for one that runs or waits to. */
  run(principal: UserPrincipal, jobName: string): Promise<EndpointAnswer<typeof runJob>>;
  logs(jobName: string, page: EndpointInput<typeof listJobLogs>['query']): Promise<EndpointAnswer<typeof listJobLogs>>;
  /** Throws NOT_FOUND for a job that is none, VALIDATION_ERROR for a schedule that is none. */
  update(
    principal: UserPrincipal,
    jobName: string,
    change: EndpointInput<typeof updateJob>['body'],
  ): Promise<PresentedJob>;
}

export function createSystemJobsService({ jobs, cursors, now }: SystemJobsNeeds): SystemJobsService {
  const getJob = async (name: string) => {
    const found = (await jobs.list()).find((job) => job.name === name);
    if (!found) throw notFound('job', name);
    return found;
  };
  return {
    list: async () => (await jobs.list()).map(presentJob),
    run: async (principal, jobName) => {
      const target = `job:${jobName}`;
      const { runId } = await jobs.runNow(jobName, undefined, (tx) =>
        recordChange(tx, principal, { action: 'system.runJob', at: now(), target }),
      );
      return { run_id: runId };
    },
    logs: async (jobName, { limit = 100, cursor }) => {
      const list = `system.listJobLogs/${jobName}`;
      const before = cursor === undefined ? undefined : openPosition(cursors, list, cursor);
      const rows = await jobs.logs(jobName, { limit: limit + 1, ...(before ? { before } : {}) });
      const page = toPage(rows, limit, ({ startedAt, id }) => cursors.seal(list, [startedAt.getTime(), id]));
      return { ...page, items: page.items.map(presentLog) };
    },
    update: async (principal, jobName, change) => {
      const { schedule_expression: schedule, is_active: isActive, max_failures: maxFailures } = change;
      if (Object.keys(change).length === 0) throw emptyChange();
      const job = await getJob(jobName);
      if (schedule) parseSchedule(schedule, job.timezone, 'schedule_expression');
      const settings = {
        ...(schedule === undefined ? {} : { schedule }),
        ...(isActive === undefined ? {} : { isPaused: !isActive }),
        ...(maxFailures === undefined ? {} : { maxFailures }),
      };
      const entry = { action: 'system.updateJob', target: `job:${jobName}`, details: describeChange(job, change) };
      await jobs.configure(jobName, settings, (tx) => recordChange(tx, principal, { ...entry, at: now() }));
      return presentJob(await getJob(jobName));
    },
  };
}

function openPosition(cursors: Cursors, list: string, cursor: string) {
  const [startedAtMs, id] = cursors.open<[number, string]>(list, cursor);
  return { startedAt: new Date(startedAtMs), id };
}

function emptyChange() {
  return validationFailed([
    { field: 'body', issue: 'changes nothing: name schedule_expression, is_active or max_failures' },
  ]);
}

/** What each named setting was and becomes, for the audit log. */
function describeChange(job: JobState, change: EndpointInput<typeof updateJob>['body']): Record<string, unknown> {
  const before = presentJob(job);
  const named = Object.keys(change) as (keyof typeof change)[];
  return Object.fromEntries(named.map((name) => [name, { from: before[name], to: change[name] }]));
}

function presentJob(job: JobState): PresentedJob {
  const { lastRun } = job;
  return {
    name: job.name,
    summary: job.summary,
    scope: job.scope,
    schedule_expression: job.schedule,
    timezone: job.timezone,
    is_active: !job.isPaused,
    failure_count: job.consecutiveFailures,
    max_failures: job.maxFailures,
    next_run_at: job.nextDueAt?.toISOString() ?? null,
    last_run: lastRun && presentRun(lastRun),
    waiting: job.waiting,
    running: job.running,
    paused_organizations: job.pausedOrganizations,
  };
}

function presentRun(run: NonNullable<JobState['lastRun']>) {
  return {
    id: run.id,
    status: run.status,
    slot: run.slot.toISOString(),
    started_at: run.startedAt.toISOString(),
    finished_at: run.finishedAt?.toISOString() ?? null,
    duration_ms: run.durationMs,
  };
}

function presentLog(entry: LogEntry): EndpointAnswer<typeof listJobLogs>['items'][number] {
  const { organizationId, attempt, result, error } = entry;
  return { ...presentRun(entry), organization_id: organizationId, attempt, result, error };
}
