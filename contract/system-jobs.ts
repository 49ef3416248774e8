import { Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { Id, Time } from './identity.ts';
import { pageOf, pageQuery } from './lists.ts';
import { orNull } from './or-null.ts';

const JobName = Type.String({ minLength: 1, maxLength: 100, description: 'such as `monitor_system_performance`' });
const RunStatus = Type.Enum(['running', 'succeeded', 'failed', 'cancelled', 'skipped']);
const Milliseconds = orNull(Type.Number(), { description: 'null while it runs' });

const Job = Type.Object({
  name: Type.String(),
  summary: Type.String(),
  scope: Type.Enum(['instance', 'organization'], { description: 'one run for each due time, or one an organization' }),
  schedule_expression: orNull(Type.String(), { description: 'five cron fields; null: it runs when asked for' }),
  timezone: Type.String(),
  is_active: Type.Boolean({ description: 'false while paused' }),
  failure_count: Type.Integer({ description: 'failed runs in a row' }),
  max_failures: Type.Integer({ description: 'failed runs in a row after which it pauses; 0 for never' }),
  next_run_at: orNull(Time),
  last_run: orNull(
    Type.Object({
      id: Id,
      status: RunStatus,
      slot: Time,
      started_at: Time,
      finished_at: orNull(Time),
      duration_ms: Milliseconds,
    }),
  ),
  waiting: Type.Integer({ description: 'runs that wait, on all processes' }),
  running: Type.Integer({ description: 'runs under way, on all processes' }),
  paused_organizations: Type.Integer({ description: 'organizations in which it paused itself after failures' }),
});

const exampleJob = {
  name: 'monitor_system_performance',
  summary: 'Takes in what the processes measured, applies the alert rules and tells administrators.',
  scope: 'instance',
  schedule_expression: '*/5 * * * *',
  timezone: 'UTC',
  is_active: true,
  failure_count: 0,
  max_failures: 10,
  next_run_at: '2024-12-18T12:05:00.000Z',
  last_run: {
    id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5f',
    status: 'succeeded',
    slot: '2024-12-18T12:00:00.000Z',
    started_at: '2024-12-18T12:00:00.120Z',
    finished_at: '2024-12-18T12:00:00.180Z',
    duration_ms: 60,
  },
  waiting: 0,
  running: 0,
  paused_organizations: 0,
};

const jobParams = Type.Object({ name: JobName }, { additionalProperties: false });
const exampleParams = { name: 'monitor_system_performance' };

export const listJobs = defineEndpoint({
  id: 'system.listJobs',
  method: 'GET',
  path: '/api/system/jobs',
  tag: 'System',
  envelope: 'plain',
  summary: 'The jobs with their schedules, their last runs and their failures, by name',
  status: 200,
  response: Type.Array(Job),
  errors: [],
  example: { response: [exampleJob] },
});

export const runJob = defineEndpoint({
  id: 'system.runJob',
  method: 'POST',
  path: '/api/system/jobs',
  tag: 'System',
  envelope: 'plain',
  summary: 'Run a job now, for all organizations, even while it is paused',
  description: 'The answer does not wait for the run: its row in the log has the id that is answered.',
  body: Type.Object({ job_name: JobName }, { additionalProperties: false }),
  status: 202,
  response: Type.Object({ run_id: Id }),
  errors: ['NOT_FOUND', 'IN_PROGRESS'],
  example: {
    body: { job_name: 'monitor_system_performance' },
    response: { run_id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5f' },
  },
});

export const listJobLogs = defineEndpoint({
  id: 'system.listJobLogs',
  method: 'GET',
  path: '/api/system/jobs/:name/logs',
  tag: 'System',
  envelope: 'plain',
  summary: 'The runs of a job in the last 90 days, the newest first',
  params: jobParams,
  query: Type.Object(pageQuery, { additionalProperties: false }),
  status: 200,
  response: pageOf(
    Type.Object({
      id: Id,
      organization_id: orNull(Id, { description: 'null for a run of the installation' }),
      slot: Type.String({ format: 'date-time', description: 'the due time; of a run that was asked for, when it was' }),
      status: RunStatus,
      attempt: Type.Integer(),
      started_at: Time,
      finished_at: orNull(Time),
      duration_ms: Milliseconds,
      result: orNull(Type.Record(Type.String(), Type.Number()), { description: 'what the run counted' }),
      error: orNull(Type.String()),
    }),
  ),
  errors: ['NOT_FOUND'],
  example: {
    params: exampleParams,
    query: { limit: 1 },
    response: {
      items: [
        {
          ...exampleJob.last_run,
          organization_id: null,
          attempt: 1,
          result: { readings: 10, metrics: 24, alerts_opened: 0, alerts_ended: 0 },
          error: null,
        },
      ],
      next_cursor: null,
    },
  },
});

export const updateJob = defineEndpoint({
  id: 'system.updateJob',
  method: 'PATCH',
  path: '/api/system/jobs/:name',
  tag: 'System',
  envelope: 'plain',
  summary: 'Change a job’s schedule, pause and failure threshold',
  description:
    'What is left out stays. Due times that pass under another schedule, or in a pause, are not made up for. ' +
    'Resuming forgets the failures and ends their alert.',
  params: jobParams,
  body: Type.Object(
    {
      schedule_expression: Type.Optional(
        orNull(Type.String({ maxLength: 200 }), { description: 'five cron fields; null: it runs when asked for' }),
      ),
      is_active: Type.Optional(Type.Boolean()),
      max_failures: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000, description: '0 for never' })),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: Job,
  errors: ['NOT_FOUND'],
  example: { params: exampleParams, body: { max_failures: 10 }, response: exampleJob },
});
