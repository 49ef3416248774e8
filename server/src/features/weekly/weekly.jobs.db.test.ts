import { sql } from 'kysely';
import { beforeEach, describe, expect, test } from 'vitest';
import { generateDemoItems } from '#features/demo/generate-items.ts';
import { shiftWeek, weekAt } from '#kernel/weeks.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { lasting, makeWeeklyScene, sentItem, type WeeklyScene } from '#testing/weekly-scene.ts';
import { lacksRunningWeek } from './weekly.store.ts';

let it: TestApp;
beforeEach(async () => {
  it = await makeTestApp({ runsJobs: true });
  return () => it.close();
});

const dayMs = 86_400_000;
const calendar = { timezone: 'UTC', firstDayOfWeek: 1 };
const moveTo = (time: string) => {
  it.clock.now = new Date(time);
};

async function run(job: string, { organization }: WeeklyScene) {
  await it.platform.jobs.whenIdle();
  const { runId } = await it.platform.jobs.runNow(job, organization.id);
  await it.platform.jobs.whenIdle();
  const entry = (await it.platform.jobs.logs(job)).find((row) => JSON.stringify(row).includes(runId));
  expect(JSON.stringify(entry)).not.toContain('failed');
}

const countItems = (scene: WeeklyScene, condition = sql`true`) =>
  scene.within(async ({ db }) => {
    const { rows } = await sql<{ n: number }>`select count(*) as n from activity_items where ${condition}`.execute(db);
    return rows[0]?.n;
  });

describe('refresh_weekly_data', () => {
  test('opens a new week when it begins, and tells of it once', async () => {
    const scene = await makeWeeklyScene(it);
    await scene.post([sentItem()]);
    const readFeed = async () => {
      const answer = await scene.request({ url: '/api/feed?after=0&types=weekly.changed' });
      return answer.json<{ events: { payload: { week: string } }[] }>().events.map(({ payload }) => payload.week);
    };
    await run('refresh_weekly_data', scene);
    expect(await readFeed()).toEqual(['2024-W51']);
    moveTo('2024-12-23T00:05:00Z');
    await run('refresh_weekly_data', scene);
    await run('refresh_weekly_data', scene);
    const events = await readFeed();
    expect(events.filter((week) => week === '2024-W52')).toHaveLength(1);
    const stored = await scene.within(({ db }) =>
      sql`select from weekly_data where week_start_date = '2024-12-23'`.execute(db),
    );
    expect(stored.rows).toHaveLength(1);
  });

  test('runs when it is due, for demo organizations adds what is due, and for others nothing', async () => {
    const [demo, plain] = [await makeWeeklyScene(it, { isDemo: true }), await makeWeeklyScene(it)];
    moveTo('2024-12-18T12:05:30Z');
    await it.platform.jobs.tick(it.clock.now);
    await it.platform.jobs.whenIdle();
    expect(await countItems(demo)).toBeGreaterThan(1_000);
    expect(await countItems(plain)).toBe(0);
  });
});

describe('The demo generator', () => {
  const dueIn = (scene: WeeklyScene, weeks: number) => {
    const current = weekAt(it.clock.now.getTime(), calendar);
    const all = Array.from({ length: weeks }, (_, n) =>
      generateDemoItems(shiftWeek(current, -n), scene.organization.slug),
    );
    return all.flat().filter(({ occurred_at }) => new Date(occurred_at) <= it.clock.now);
  };

  test('fills ten weeks at first, then adds only what is due, and resolves reviews', async () => {
    const scene = await makeWeeklyScene(it, { isDemo: true });
    const refresh = () => scene.request({ method: 'POST', url: '/api/weekly/refresh' });
    const first = (await refresh()).json().data;
    expect(first.demo).toBe(true);
    expect(await countItems(scene)).toBe(dueIn(scene, 10).length);
    expect((await refresh()).json().data.version).toBe(first.version);
    moveTo('2024-12-19T12:00:00Z');
    const next = (await refresh()).json().data;
    expect(next.version).toBeGreaterThan(first.version);
    expect(await countItems(scene)).toBe(dueIn(scene, 10).length);
    const open = dueIn(scene, 10).filter(({ resolved_at }) => resolved_at && new Date(resolved_at) > it.clock.now);
    expect(await countItems(scene, sql`kind = 'review' and resolved_at is null`)).toBe(open.length);
    expect(next.stats.pendingReviews).toBe(open.length);
  });

  test('that was off for weeks leaves no gap, and no review open for ever', async () => {
    const scene = await makeWeeklyScene(it, { isDemo: true });
    await run('refresh_weekly_data', scene);
    moveTo('2025-02-19T12:00:00Z');
    await run('refresh_weekly_data', scene);
    expect(await countItems(scene)).toBe(dueIn(scene, 19).length);
    const tenDaysAgo = new Date(it.clock.now.getTime() - 10 * dayMs);
    expect(await countItems(scene, sql`resolved_at is null and kind = 'review' and occurred_at < ${tenDaysAgo}`)).toBe(
      0,
    );
  });

  test('writes each item once when refreshes meet, which all get the one answer', async () => {
    const scene = await makeWeeklyScene(it, { isDemo: true });
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => scene.request({ method: 'POST', url: '/api/weekly/refresh' })),
    );
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    expect(await countItems(scene)).toBe(dueIn(scene, 10).length);
  });

  test('never writes into an organization that is no demo', async () => {
    const scene = await makeWeeklyScene(it);
    const answer = await scene.request({ method: 'POST', url: '/api/weekly/refresh' });
    expect(answer.json().data.demo).toBe(false);
    await run('refresh_weekly_data', scene);
    const settings = { id: scene.organization.id, slug: 'x', isDemo: false, weeksKept: 104, ...calendar };
    expect(await scene.within((tx) => it.features.weekly.fillDemo(tx, settings))).toBe(0);
    expect(await countItems(scene)).toBe(0);
  });
});

test('A due refresh goes where the running week is not stored, by each organization’s own calendar', async () => {
  const calendars = [
    { timezone: 'Europe/Berlin', firstDayOfWeek: 1, next: '2024-12-22T23:00:00Z' },
    { timezone: 'America/New_York', firstDayOfWeek: 7, next: '2024-12-22T05:00:00Z' },
    { timezone: 'Pacific/Auckland', firstDayOfWeek: 6, next: '2024-12-20T11:00:00Z' },
  ];
  for (const { next, ...settings } of calendars) {
    const scene = await makeWeeklyScene(it, settings);
    const wanted = async (moment: string) => {
      const { rows } = await sql`
        select from organizations o
        where o.id = ${scene.organization.id} and ${lacksRunningWeek(new Date(moment))}`.execute(
        it.platform.database.root,
      );
      return rows.length === 1;
    };
    const last = new Date(Date.parse(next) - 1_000).toISOString();
    moveTo(last);
    expect(await wanted(last)).toBe(true);
    await run('refresh_weekly_data', scene);
    expect([await wanted(last), await wanted(next)]).toEqual([false, true]);
    moveTo(next);
    await run('refresh_weekly_data', scene);
    expect(await wanted(next)).toBe(false);
  }
});

test('recompute_weeks brings every stored week up to date after a change of the past', async () => {
  const scene = await makeWeeklyScene(it);
  await scene.post([sentItem({ occurred_at: '2024-09-03T10:00:00Z' })]);
  await scene.post([sentItem({ kind: 'review', occurred_at: '2024-10-03T10:00:00Z' })]);
  await it.platform.jobs.whenIdle();
  const { rows } = await scene.within(({ db }) =>
    sql<{ week: string; is_current: boolean; pending: number }>`
      select w.week_start_date as week, s.version = w.version as is_current,
        (s.data -> 'stats' ->> 'pendingReviews')::int as pending
      from activity_weeks w left join weekly_snapshots s using (organization_id, week_start_date) order by 1`.execute(
      db,
    ),
  );
  expect(rows).toHaveLength(16);
  expect(rows.every(({ is_current }) => is_current)).toBe(true);
  expect(rows.map(({ pending }) => pending)).toEqual([0, 0, 0, 0, ...Array.from({ length: 12 }, () => 1)]);
});

describe('remove_old_weeks', () => {
  test('removes what is past the retention, and changes nothing of the weeks that are kept', async () => {
    const scene = await makeWeeklyScene(it);
    const review = (external_id: string, occurred_at: string, resolved_at: string | null) =>
      sentItem({ kind: 'review', title: external_id, external_id, occurred_at, resolved_at });
    await scene.post([
      sentItem({ title: 'old', occurred_at: '2024-11-24T23:59:59Z' }),
      sentItem({ title: 'kept', occurred_at: '2024-11-25T00:00:00Z' }),
      sentItem({ title: 'new' }),
      review('open', '2024-10-01T10:00:00Z', null),
      review('resolved in the kept weeks', '2024-10-01T10:00:00Z', '2024-12-03T10:00:00Z'),
      review('resolved before', '2024-10-01T10:00:00Z', '2024-11-24T10:00:00Z'),
    ]);
    await it.platform.jobs.whenIdle();
    const weeks = ['2024-11-25', '2024-12-02', '2024-12-16'];
    const before = await Promise.all(weeks.map((week) => scene.summary(week)));
    const oldBefore = await scene.request({ url: '/api/weekly/summary?week=2024-11-18' });
    await it.platform.scopes.inInstance(({ db }) =>
      sql`update organizations set weeks_kept = 4 where id = ${scene.organization.id}`.execute(db),
    );
    await run('remove_old_weeks', scene);
    await run('remove_old_weeks', scene);
    const { rows } = await scene.within(({ db }) =>
      sql<{ title: string }>`select title from activity_items order by title`.execute(db),
    );
    expect(rows.map(({ title }) => title)).toEqual(['kept', 'new', 'open', 'resolved in the kept weeks']);
    const running = await scene.within(({ db }) =>
      sql`select from weekly_data where week_start_date = '2024-12-16'`.execute(db),
    );
    expect(running.rows).toHaveLength(1);
    const after = await Promise.all(weeks.map((week) => scene.summary(week)));
    expect(after.map(lasting)).toEqual(before.map(lasting));
    const views = await scene.within(({ db }) =>
      sql`select week_start_date, stat_value from weekly_stats where stat_name = 'pendingReviews' order by 1`.execute(
        db,
      ),
    );
    expect(views.rows).toEqual(
      [
        ['2024-11-25', 2],
        ['2024-12-02', 1],
        ['2024-12-09', 1],
        ['2024-12-16', 1],
      ].map(([week_start_date, stat_value]) => ({
        week_start_date,
        stat_value,
      })),
    );
    const oldAfter = await scene.request({
      url: '/api/weekly/summary?week=2024-11-18',
      headers: { 'if-none-match': String(oldBefore.headers.etag) },
    });
    expect([oldAfter.statusCode, oldAfter.json().data.stats.updates]).toEqual([200, 0]);
  });

  test('does the same by hand, and takes a thousand items', async () => {
    const scene = await makeWeeklyScene(it);
    const items = Array.from({ length: 4_500 }, (_, n) =>
      sentItem({ external_id: `${n}`, occurred_at: '2022-01-04T10:00:00Z' }),
    );
    await scene.post([...items, sentItem()]);
    await it.platform.jobs.whenIdle();
    const byHand = { signal: new AbortController().signal, inOrganization: scene.within };
    expect(await it.features.weekly.removeOldWeeks(byHand)).toEqual({ items: 4_500 });
    expect(await it.features.weekly.removeOldWeeks(byHand)).toBeUndefined();
    expect(await countItems(scene)).toBe(1);
  });
});
