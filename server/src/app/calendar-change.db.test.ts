import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { lockCalendar } from '#features/organizations/index.ts';
import { newId } from '#kernel/ids.ts';
import { systemPrincipal } from '#platform/access/principal.ts';
import { type AnalyticsScene, makeAnalyticsScene } from '#testing/analytics-scene.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { makeTenant } from '#testing/tenant-scene.ts';

let it: TestApp;
beforeAll(async () => {
  it = await makeTestApp({ runsJobs: true, now: new Date('2024-12-18T12:00:00Z') });
});
afterAll(() => it.close());

const readTrends = async (scene: AnalyticsScene) =>
  (await scene.ask({ url: '/api/dashboard/trends?metric_type=sales&weeks=4' })).json();

async function change(scene: AnalyticsScene, body: object) {
  const url = `/api/organizations/${scene.organization.id}`;
  const answer = await scene.ask({ method: 'PUT', url, body });
  expect(answer.statusCode, answer.body).toBe(200);
}

/** An organization with a sale and a sign-in at every hour of the last 40 days. */
async function makeBusyScene(): Promise<AnalyticsScene> {
  const scene = await makeAnalyticsScene(it, { timezone: 'UTC' });
  const times = Array.from({ length: 40 * 24 }, (_, hours) =>
    new Date(it.clock.now.getTime() - hours * 3_600_000 - 1_800_000).toISOString(),
  );
  const points = times.map((recorded_at) => ({
    ...{ metric_type: 'sales', metric_name: 'sold', metric_unit: 'count', metric_value: 1, recorded_at },
  }));
  const answer = await scene.ask({ method: 'POST', url: '/api/dashboard/metrics', body: { points } });
  expect(answer.statusCode, answer.body).toBe(202);
  await scene.act([{ id: newId(), activity_type: 'login', created_at: '2024-12-02T20:00:00Z' }]);
  return scene;
}

/** Holds the job engine off, as a busy worker would. */
async function paused<T>(jobs: readonly string[], work: () => Promise<T>): Promise<T> {
  for (const job of jobs) await it.platform.jobs.configure(job, { isPaused: true });
  try {
    return await work();
  } finally {
    for (const job of jobs) await it.platform.jobs.configure(job, { isPaused: false });
  }
}

test('after a change of the zone numbers say that they are not complete, and are right once the jobs have run', async () => {
  const scene = await makeBusyScene();
  const period = { period_start: '2024-12-03', period_end: '2024-12-09' };
  const summary = () => scene.summary(period);
  const soldIn = ({ metrics }: Awaited<ReturnType<typeof summary>>) => metrics.map(({ value }) => value);
  const before = await summary();
  expect([before.complete, before.user_stats.active_users, soldIn(before)]).toEqual([true, 0, [168]]);
  const weeks = await readTrends(scene);
  expect(weeks.trend_data.map(({ complete }: { complete?: boolean }) => complete)).toEqual([...Array(4)]);
  expect(weeks.overall_trend).toBe('stable');

  await change(scene, { timezone: 'Asia/Kolkata' });
  await it.platform.jobs.whenIdle();
  const after = await summary();
  expect([after.complete, after.user_stats.active_users, soldIn(after)]).toEqual([true, 1, [168]]);
  const listed = await scene.ask({
    url: '/api/dashboard/metrics?metric_type=sales&granularity=day&period_end=2024-12-17',
  });
  for (const row of listed.json().data.slice(0, -1)) {
    expect(row).toMatchObject({ count: 24, complete: true });
    expect(row.bucket_start).toMatch(/T18:30:00.000Z$/);
  }
  expect((await readTrends(scene)).trend_data[1]).toMatchObject({ week_start: '2024-12-02', value: 168 });
  const [log] = await it.platform.jobs.logs('rebuild_metric_days');
  expect(log).toMatchObject({ status: 'succeeded', result: { metrics: 1 } });
});

test('what waits for the jobs is never shown as complete, by whichever answer', async () => {
  const scene = await makeBusyScene();
  await scene.summary();
  await paused(['rebuild_metric_days', 'recount_active_days'], async () => {
    await change(scene, { timezone: 'Pacific/Apia' });
    expect((await scene.summary({ period_start: '2024-12-03', period_end: '2024-12-09' })).complete).toBe(false);
    const trends = await readTrends(scene);
    expect(trends.trend_data.map(({ complete }: { complete: boolean }) => complete)).toEqual([...Array(4)].fill(false));
    expect(trends.overall_trend).toBe('insufficient_data');
    for (const granularity of ['hour', 'day', 'week']) {
      const url = `/api/dashboard/metrics?metric_type=sales&granularity=${granularity}`;
      const { data } = (await scene.ask({ url })).json();
      expect(data.some(({ complete }: { complete: boolean }) => complete)).toBe(false);
    }
    await change(scene, { timezone: 'UTC' });
  });
  await it.platform.jobs.recover();
  await it.platform.jobs.whenIdle();
  const trends = await readTrends(scene);
  expect(
    trends.trend_data.slice(0, -1).map(({ value, complete }: Record<string, unknown>) => [value, complete]),
  ).toEqual(Array(3).fill([168, undefined]));
});

test('the running period says that it is counted anew, and compares nothing until it is', async () => {
  const scene = await makeBusyScene();
  const changes = ({ user_stats, assessment_stats, metrics }: Awaited<ReturnType<typeof scene.summary>>) => ({
    members: Object.values(user_stats.change_percentage),
    reasons: [...new Set(Object.values(user_stats.change_reason))],
    assessments: Object.values(assessment_stats.change_percentage),
    metrics: metrics.map(({ change_percentage, change_reason }) => [change_percentage, change_reason]),
  });
  // The owner joined in this period.
  const settled = { members: [null, 0, 0], reasons: ['previous_zero'], assessments: [0, 0, 0], metrics: [[0, null]] };
  const before = await scene.summary();
  expect([before.settled, before.complete, changes(before)]).toEqual([true, false, settled]);
  const live = () => it.features.dashboard.summarize(scene.organization.id);
  await paused(['rebuild_metric_days', 'recount_active_days'], async () => {
    await change(scene, { timezone: 'Asia/Kolkata' });
    for (const summary of [await scene.summary(), await live()]) {
      expect([summary.settled, summary.complete, changes(summary)]).toEqual([
        ...[false, false],
        {
          members: [null, null, null],
          reasons: ['period_incomplete'],
          assessments: [0, 0, 0],
          metrics: [[null, 'period_incomplete']],
        },
      ]);
    }
  });
  await it.platform.jobs.recover();
  await it.platform.jobs.whenIdle();
  for (const after of [await scene.summary(), await live()])
    expect([after.settled, after.complete, changes(after)]).toEqual([true, false, settled]);
});

test('who was looked up while an organization changed is looked up again', async () => {
  const scene = await makeAnalyticsScene(it);
  const { authenticator, forget } = it.features.identity;
  const { authorization } = scene.owner.headers;
  const credentials = {
    ...{ authorization, apiKey: undefined, cookieToken: undefined, anonymousOrganization: 'demo' as const },
    organization: scene.organization.id,
  };
  const asked = authenticator.authenticate(credentials);
  forget({ organizationId: scene.organization.id });
  await asked;
  expect(authenticator.peek(credentials)).toBeUndefined();
  await authenticator.authenticate(credentials);
  expect(authenticator.peek(credentials)).toBeDefined();
});

test('averages of assessments are those of the new day', async () => {
  const scene = await makeAnalyticsScene(it, { timezone: 'Pacific/Apia' });
  const read = async () => (await scene.ask({ url: '/api/dashboard/aggregations?type=ocean_role' })).json();
  expect((await read()).complete).toBe(true);
  const days = () =>
    scene.rows(sql`
      select computed_on from assessment_computations where organization_id = ${scene.organization.id}`);
  expect(await days()).toEqual([{ computed_on: '2024-12-19' }]);
  await change(scene, { timezone: 'UTC' });
  expect(await days()).toEqual([]);
  expect((await read()).complete).toBe(true);
  expect(await days()).toEqual([{ computed_on: '2024-12-18' }]);
});

test('a change of the first day of the week alone counts nothing anew but weeks', async () => {
  const scene = await makeBusyScene();
  await change(scene, { first_day_of_week: 7 });
  expect(
    await scene.rows(sql`
    select from metric_catalog where organization_id = ${scene.organization.id} and rebuilt_from is not null`),
  ).toEqual([]);
  const { trend_data } = await readTrends(scene);
  expect(trend_data[1]).toMatchObject({ week_start: '2024-12-01', value: 168 });
  expect(trend_data[1].complete).toBeUndefined();
});

// The embedded database has one connection, on which nobody waits beside somebody else.
test.skipIf(!process.env.TEST_DATABASE_URL)('who waits for the calendar has no row in hand', async () => {
  const tenant = await makeTenant(it);
  const { id } = await tenant.make();
  const { adding } = await it.platform.scopes.inOrganization(systemPrincipal(tenant.organization.id), async (tx) => {
    await lockCalendar(tx, tx.organizationId);
    const added = tenant.add(id, { views: 1 });
    await vi.waitUntil(async () => {
      const { rows } = await sql`
        select from pg_locks l, (select calendar_lock(${tx.organizationId}::uuid) as key) k
        where l.locktype = 'advisory' and not l.granted and l.objsubid = 1
          and l.classid = ((k.key >> 32) & 4294967295)::oid
          and l.objid = (k.key & 4294967295)::oid`.execute(it.platform.database.root);
      return rows.length > 0;
    });
    // Fails at once where the addition has locked it.
    await sql`select from businesses where id = ${id} for update nowait`.execute(tx.db);
    return { adding: added };
  });
  expect(await adding).toMatchObject({ views_count: 1 });
});
