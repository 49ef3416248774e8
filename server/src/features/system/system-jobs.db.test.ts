import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp, type TestMember } from '#testing/make-app.ts';

const job = 'monitor_system_performance';

let it: TestApp;
let admin: TestMember;
beforeAll(async () => {
  it = await makeTestApp({ runsJobs: true });
});
// Each test has an administrator of its own, because tokens end while the clock moves.
beforeEach(async () => {
  admin = await (await it.makeOrganization()).member('owner');
  await sql`update users set is_instance_admin = true where id = ${admin.userId}`.execute(it.platform.database.root);
});
afterAll(() => it.close());

type Method = 'GET' | 'POST' | 'PATCH';
const callAs =
  ({ headers }: TestMember) =>
  (method: Method, path: string, body?: object) =>
    inject(it.app, { method, url: `/api/system/jobs${path}`, headers, ...(body ? { body } : {}) });
const call = (method: Method, path: string, body?: object) => callAs(admin)(method, path, body);
const find = async (name = job) =>
  (await call('GET', '')).json<{ name: string }[]>().find((listed) => listed.name === name);
const run = async () => {
  const answer = await call('POST', '', { job_name: job });
  await it.platform.jobs.whenIdle();
  return answer;
};
/** Lets the clock pass the next five minutes of the hour, as the engine's timer would notice. */
const passFiveMinutes = async () => {
  it.clock.now = new Date(it.clock.now.getTime() + 300_000);
  await it.platform.jobs.tick();
  await it.platform.jobs.whenIdle();
};
const countRuns = async () => {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from scheduled_job_logs where job_name = ${job}`.execute(it.platform.database.root);
  return rows[0]?.count ?? 0;
};

describe('The list of jobs', () => {
  test('shows each with its schedule, and its last run once there is one', async () => {
    expect(await find()).toMatchObject({
      scope: 'instance',
      schedule_expression: '*/5 * * * *',
      timezone: 'UTC',
      is_active: true,
      failure_count: 0,
      max_failures: 10,
      next_run_at: '2024-12-18T12:05:00.000Z',
      last_run: null,
      waiting: 0,
      running: 0,
      paused_organizations: 0,
    });
    const answer = await run();
    expect(answer.statusCode).toBe(202);
    expect(await find()).toMatchObject({ last_run: { id: answer.json().run_id, status: 'succeeded' } });
  });
});

describe('The log of a job', () => {
  test('is read in pages, the newest run first', async () => {
    const made = [await run(), await run(), await run()].map((answer) => answer.json<{ run_id: string }>().run_id);
    const first = (await call('GET', `/${job}/logs?limit=2`)).json();
    expect(first.items.map(({ id }: { id: string }) => id)).toEqual([made[2], made[1]]);
    expect(first.items[0]).toMatchObject({ status: 'succeeded', attempt: 1, organization_id: null, error: null });
    const second = (await call('GET', `/${job}/logs?limit=1&cursor=${first.next_cursor}`)).json();
    expect(second.items.map(({ id }: { id: string }) => id)).toEqual([made[0]]);
  });

  test('of another job takes no cursor of this one', async () => {
    await run();
    await run();
    const { next_cursor: cursor } = (await call('GET', `/${job}/logs?limit=1`)).json();
    const answer = await call('GET', `/refresh_weekly_data/logs?cursor=${cursor}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().error.details.field).toBe('cursor');
  });
});

describe('A change of a job', () => {
  test('pauses and resumes it in the engine: due times of the pause pass, those after it run', async () => {
    const before = await countRuns();
    expect((await call('PATCH', `/${job}`, { is_active: false })).json()).toMatchObject({
      is_active: false,
      next_run_at: null,
    });
    await passFiveMinutes();
    expect(await countRuns()).toBe(before);
    expect((await call('PATCH', `/${job}`, { is_active: true })).json().is_active).toBe(true);
    await passFiveMinutes();
    expect(await countRuns()).toBe(before + 1);
  });

  test('gives it another schedule, by which it runs from then on', async () => {
    const before = await countRuns();
    const answer = await call('PATCH', `/${job}`, { schedule_expression: '0 3 * * *', max_failures: 3 });
    expect(answer.json()).toMatchObject({
      schedule_expression: '0 3 * * *',
      max_failures: 3,
      next_run_at: '2024-12-19T03:00:00.000Z',
    });
    await passFiveMinutes();
    expect(await countRuns()).toBe(before);
    await call('PATCH', `/${job}`, { schedule_expression: '*/5 * * * *' });
    await passFiveMinutes();
    expect(await countRuns()).toBe(before + 1);
  });

  test.each(['99 * * * *', 'daily', '* * * *', '* * * * * *', '@hourly', '0 0 31 2 x'])(
    'is refused for the schedule %j, by name and value, and changes nothing',
    async (schedule) => {
      const answer = await call('PATCH', `/${job}`, { schedule_expression: schedule, is_active: false });
      expect(answer.statusCode).toBe(400);
      const { details } = answer.json().error;
      expect(details.field).toBe('schedule_expression');
      expect(details.issue).toContain(`'${schedule}'`);
      expect(await find()).toMatchObject({ schedule_expression: '*/5 * * * *', is_active: true });
    },
  );

  test.each([{}, { max_failures: -1 }, { max_failures: 1.5 }, { timezone: 'UTC' }, { is_active: 'never' }])(
    'is refused as %j',
    async (body) => {
      expect((await call('PATCH', `/${job}`, body)).statusCode).toBe(400);
    },
  );

  test('of no schedule leaves the job to run when it is asked for', async () => {
    expect((await call('PATCH', `/${job}`, { schedule_expression: null })).json()).toMatchObject({
      schedule_expression: null,
      next_run_at: null,
    });
    expect((await run()).statusCode).toBe(202);
    await call('PATCH', `/${job}`, { schedule_expression: '*/5 * * * *' });
  });

  test('is in the audit log with what was and what is, and so is a run that was asked for', async () => {
    await call('PATCH', `/${job}`, { max_failures: 7 });
    await run();
    const read = await inject(it.app, { url: '/api/audit?limit=2', headers: admin.headers });
    const entries = read.json().items.filter(({ action }: { action: string }) => action.startsWith('system.'));
    expect(entries[0]).toMatchObject({ action: 'system.runJob', target: `job:${job}`, actor: { id: admin.userId } });
    expect(entries[1]).toMatchObject({
      action: 'system.updateJob',
      target: `job:${job}`,
      details: { max_failures: { from: 3, to: 7 } },
    });
  });
});

describe('A job that is none', () => {
  test('is not found', async () => {
    const answers = [
      await call('POST', '', { job_name: 'no_such_job' }),
      await call('GET', '/no_such_job/logs'),
      await call('PATCH', '/no_such_job', { is_active: false }),
    ];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([404, 404, 404]);
    expect(answers[0]?.json().error.message).toContain("'no_such_job'");
  });
});

describe('A job that runs', () => {
  test('is not run a second time, and the refused try is in no log', async () => {
    const idle = await makeTestApp({ ownsDatabase: true });
    const headers = (await (await idle.makeOrganization()).member('owner')).headers;
    const post = () => inject(idle.app, { method: 'POST', url: '/api/system/jobs', headers, body: { job_name: job } });
    expect((await post()).statusCode).toBe(202);
    expect((await post()).json().error.code).toBe('IN_PROGRESS');
    // As a worker of another process claims it.
    await sql`update pgboss.job set state = 'active' where name = ${job}`.execute(idle.platform.database.root);
    const answer = await post();
    expect(answer.statusCode).toBe(409);
    expect(answer.headers['retry-after']).toBe('5');
    const { rows } = await sql`select from audit_log where action = 'system.runJob'`.execute(
      idle.platform.database.root,
    );
    expect(rows).toHaveLength(1);
    await idle.close();
  });
});

describe('Who does not administer the installation', () => {
  test('neither sees jobs nor changes them, as an owner either', async () => {
    const callAsOwner = callAs(await (await it.makeOrganization()).member('owner'));
    const answers = [
      await callAsOwner('GET', ''),
      await callAsOwner('POST', '', { job_name: job }),
      await callAsOwner('GET', `/${job}/logs`),
      await callAsOwner('PATCH', `/${job}`, { is_active: false }),
    ];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([403, 403, 403, 403]);
  });
});
