import { afterAll, beforeAll, expect, test } from 'vitest';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { operateJobs } from './operate-jobs.ts';

let it: TestApp;
beforeAll(async () => {
  it = await makeTestApp({ runsJobs: true });
});
afterAll(() => it.close());

const job = 'monitor_system_performance';
const ask = (...words: string[]) => operateJobs(it.platform, words);
const find = async () => (await it.platform.jobs.list()).find(({ name }) => name === job);

test('shows the jobs, and the runs of one', async () => {
  expect(await ask('run', job)).toContain(`almanac jobs logs ${job}`);
  await it.platform.jobs.whenIdle();
  const line = (await ask('list')).split('\n').find((row) => row.includes(job));
  expect(line).toMatch(/\*\/5 \* \* \* \* +\| UTC +\| active +\| 2024-12-18T12:05:00.000Z/);
  expect(line).toContain('succeeded');
  expect(await ask('logs', job)).toContain('(1 row)');
});

test('pauses, resumes and reschedules a job, and enters each in the audit log of this installation', async () => {
  // The first account owns the organization of the machine.
  const { headers } = await (await it.makeOrganization()).member('owner');
  await ask('pause', job);
  expect(await find()).toMatchObject({ isPaused: true, nextDueAt: null });
  await ask('resume', job);
  expect(await find()).toMatchObject({ isPaused: false });
  await ask('schedule', job, '0 3 * * *');
  expect(await find()).toMatchObject({ schedule: '0 3 * * *', nextDueAt: new Date('2024-12-19T03:00:00Z') });
  await ask('schedule', job, 'none');
  expect(await find()).toMatchObject({ schedule: null, nextDueAt: null });
  const audit = await inject(it.app, {
    url: '/api/audit?action=system.updateJob',
    headers: { ...headers, 'x-organization-id': 'local' },
  });
  expect(audit.json().items).toHaveLength(4);
  expect(audit.json().items[1]).toMatchObject({
    actor: { kind: 'system' },
    target: `job:${job}`,
    details: { to: { schedule: '0 3 * * *' } },
  });
});

test.each([
  [[], 'almanac jobs list'],
  [['list', 'all'], 'almanac jobs run <name>'],
  [['stop', job], 'almanac jobs pause <name>'],
  [['run'], 'almanac jobs logs <name>'],
  [['run', 'no_such_job'], "There is no job 'no_such_job' here."],
  [['schedule', job, 'daily'], "'daily' is not a schedule"],
  [['toString'], 'almanac jobs list'],
])('refuses %j in one line or with what it takes', async (words, message) => {
  const asking = ask(...words);
  await expect(asking).rejects.toThrow(message);
  await expect(asking).rejects.toMatchObject({ name: expect.not.stringMatching('AppError') });
});
