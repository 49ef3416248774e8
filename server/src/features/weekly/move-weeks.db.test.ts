import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shiftWeek, type WeekCalendar, weekAt } from '#kernel/weeks.ts';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { type CountedItem, recountWeek } from '#testing/recount-week.ts';
import { makeWeeklyScene, sentItem, type WeeklyScene } from '#testing/weekly-scene.ts';
import { createWeekClock } from './week-clock.ts';
import { createWeeklyService } from './weekly.service.ts';

let it: TestApp;
beforeAll(async () => {
  it = await makeTestApp({ runsJobs: true, now: new Date('2024-11-06T15:30:00Z') });
});
afterAll(() => it.close());

const calendars: fc.Arbitrary<WeekCalendar> = fc.record({
  timezone: fc.constantFrom('UTC', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/Havana', 'Pacific/Apia', 'Pacific/Pago_Pago', 'America/New_York'),
  firstDayOfWeek: fc.integer({ min: 1, max: 7 }),
}); // biome-ignore format: zones read better in a line

/** Ages in whole half hours, so that many lie right at midnights and changes of clocks. */
const items = fc.array(
  fc
    .record({
      kind: fc.constantFrom('upload' as const, 'update' as const, 'review' as const),
      author: fc.constantFrom('Ada', 'Ben'),
      halfHoursAgo: fc.integer({ min: 0, max: 6 * 7 * 48 }),
    })
    .map(({ halfHoursAgo, ...item }) =>
      sentItem({ ...item, occurred_at: new Date(it.clock.now.getTime() - halfHoursAgo * 1_800_000).toISOString() }),
    ),
  { minLength: 1, maxLength: 10 },
);
const acts = fc.array(fc.oneof(fc.record({ items }), fc.record({ calendar: calendars })), {
  minLength: 2,
  maxLength: 8,
});

interface OwnedScene extends WeeklyScene {
  change(calendar: WeekCalendar): Promise<void>;
}

async function makeScene(calendar: WeekCalendar): Promise<OwnedScene> {
  const scene = await makeWeeklyScene(it, calendar);
  const owner = await scene.organization.member('owner');
  return {
    ...scene,
    change: async ({ timezone, firstDayOfWeek: first_day_of_week }) => {
      const url = `/api/organizations/${scene.organization.id}`;
      const body = { timezone, first_day_of_week };
      const answer = await inject(it.app, { method: 'PUT', url, body, headers: owner.headers });
      expect(answer.statusCode, answer.body).toBe(200);
    },
  };
}

/** What a client was told last of the week of a day. */
type Seen = Map<string, { etag: string; body: string; version: number }>;

async function expectVersionsToGrow(scene: WeeklyScene, dates: readonly string[], seen: Seen) {
  for (const date of dates) {
    const before = seen.get(date);
    const headers = before ? { 'if-none-match': before.etag } : {};
    const answer = await scene.request({ url: `/api/weekly/summary?week=${date}`, headers });
    if (answer.statusCode === 304) continue;
    const { version, week, stats } = answer.json().data;
    const body = JSON.stringify([week.start, week.timezone, stats]);
    expect(version).toBeGreaterThanOrEqual(before?.version ?? 0);
    if (before && before.body !== body) expect(answer.headers.etag).not.toBe(before.etag);
    seen.set(date, { etag: String(answer.headers.etag), body, version });
  }
}

async function expectRecount(scene: WeeklyScene, model: readonly CountedItem[], calendar: WeekCalendar) {
  const current = weekAt(it.clock.now.getTime(), calendar);
  for (const count of [0, -1, -2, -4, -5, -6, -7, -9]) {
    const { startDate, startMs } = shiftWeek(current, count);
    const { stats, days } = recountWeek(model, startDate, calendar);
    const data = await scene.summary(startDate);
    expect([data.week.start, data.week.timezone]).toEqual([new Date(startMs).toISOString(), calendar.timezone]);
    expect([data.stats, data.chartData.weeklyActivity]).toEqual([stats, days]);
    expect((await scene.pending(startDate)).length).toBe(stats.pendingReviews);
  }
}

/** Weeks on record begin on the calendar's first day, and the views say of them what the objects say. */
async function expectRecords(scene: WeeklyScene, model: readonly CountedItem[], calendar: WeekCalendar) {
  const { rows } = await scene.within(({ db }) =>
    sql<{ week: string; first_day: number; is_stored: boolean; stats: Record<string, number>; stored: object }>`
      select w.week_start_date as week, extract(isodow from w.week_start_date)::int as first_day,
        (select jsonb_object_agg(stat_name, stat_value) from weekly_stats v
          where v.week_start_date = w.week_start_date) as stats,
        (select data -> 'stats' from weekly_data d where d.week_start_date = w.week_start_date) as stored
      from activity_weeks w order by 1`.execute(db),
  );
  for (const { week, first_day, stats, stored } of rows) {
    expect(first_day).toBe(calendar.firstDayOfWeek);
    const expected = recountWeek(model, week, calendar).stats;
    expect([week, stats, stored]).toEqual([week, expected, expected]);
  }
  const busy = new Set(model.map(({ occurred_at }) => weekAt(Date.parse(occurred_at), calendar).startDate));
  expect([...busy].filter((date) => !rows.some(({ week }) => week === date))).toEqual([]);
}

test('weeks follow the calendar, whoever writes meanwhile: their numbers equal a recount and their versions never fall', async () => {
  await fc.assert(
    fc.asyncProperty(calendars, items, acts, async (first, begun, taken) => {
      const scene = await makeScene(first);
      const model: CountedItem[] = [];
      const seen: Seen = new Map();
      const dates = ['2024-11-05', '2024-11-03', '2024-10-20', '2024-09-20', '2024-07-01'];
      const post = async (some: typeof begun) => {
        model.push(...some.map((item) => ({ ...item, resolved_at: null }) as unknown as CountedItem));
        const answer = await scene.post(some);
        expect(answer.statusCode, answer.body).toBe(200);
      };
      let calendar = first;
      await post(begun);
      await expectVersionsToGrow(scene, dates, seen);
      for (const act of taken) {
        if ('calendar' in act) calendar = act.calendar;
        // The change and a writer at once, and readers beside them.
        await Promise.all([
          'calendar' in act ? scene.change(act.calendar) : post(act.items),
          ...('calendar' in act ? [post(begun.slice(0, 1)), scene.summary(), scene.summary('last')] : []),
        ]);
        await expectVersionsToGrow(scene, dates, seen);
      }
      await it.platform.jobs.whenIdle();
      await expectRecount(scene, model, calendar);
      await expectRecords(scene, model, calendar);
    }),
    { numRuns: 3 },
  );
}, 90_000);

test('a read by a calendar of before is answered by the one of now, and writes nothing of before', async () => {
  const scene = await makeScene({ timezone: 'UTC', firstDayOfWeek: 1 });
  await scene.post([sentItem({ occurred_at: '2024-11-03T23:30:00Z' })]);
  const authenticate = (token: string) =>
    it.features.identity.authenticator.authenticate({
      ...{ authorization: token, apiKey: undefined, cookieToken: undefined, anonymousOrganization: 'demo' },
      organization: scene.organization.id,
    });
  const principal = await authenticate(scene.headers.authorization);
  await scene.change({ timezone: 'Asia/Kolkata', firstDayOfWeek: 7 });
  const service = createWeeklyService({
    ...it.platform,
    clock: createWeekClock(it.platform.now),
    enqueueRecompute: () => undefined,
    recordPoints: it.features.metrics.recordPoints,
  });
  expect(principal.organization).toMatchObject({ timezone: 'UTC', firstDayOfWeek: 1 });
  const read = await service.readWeek(principal);
  expect(read.week).toMatchObject({ start: '2024-11-02T18:30:00.000Z', timezone: 'Asia/Kolkata' });
  expect(read.stats.updates).toBe(1);
  const refreshed = await service.refresh(principal, '2024-11-04');
  expect(refreshed.week).toMatchObject({ start: '2024-11-02T18:30:00.000Z' });
  await it.platform.jobs.whenIdle();
  const { rows } = await scene.within(({ db }) =>
    sql`select from activity_weeks where extract(isodow from week_start_date) <> 7`.execute(db),
  );
  expect(rows).toHaveLength(0);
});

const listZeros = async (scene: WeeklyScene): Promise<string[]> => {
  const query = { metric_type: 'weekly', metric_name: 'uploads', limit: '1000' };
  const answer = await scene.request({ url: '/api/dashboard/metrics', query });
  const { data } = answer.json<{ data: { recorded_at: string; metric_value: number }[] }>();
  return data.flatMap(({ recorded_at, metric_value }) => (metric_value === 0 ? [recorded_at] : [])).sort();
};
const listWeeks = async (scene: WeeklyScene) => {
  const { rows } = await scene.within(({ db }) =>
    sql<{ day: string }>`select week_start_date as day from activity_weeks order by 1`.execute(db),
  );
  return rows.map(({ day }) => day);
};

test('where nothing ever happened a change publishes nothing, and no week has a version', async () => {
  const scene = await makeScene({ timezone: 'UTC', firstDayOfWeek: 1 });
  await scene.summary();
  for (const firstDayOfWeek of [7, 1, 4]) {
    await scene.change({ timezone: 'Asia/Kolkata', firstDayOfWeek });
    expect((await scene.summary()).version).toBe(0);
  }
  expect(await listWeeks(scene)).toEqual(['2024-10-31']);
  const { rows } = await scene.within(({ db }) =>
    sql`select from dashboard_metrics where metric_type = 'weekly'`.execute(db),
  );
  expect(rows).toHaveLength(0);
});

test('changes there and back put no more weeks on record and publish no more zeros than the first ones', async () => {
  const scene = await makeScene({ timezone: 'UTC', firstDayOfWeek: 1 });
  // A Sunday: its week by Mondays begins on the 14th, by Sundays on the 20th.
  await scene.post([sentItem({ kind: 'upload', occurred_at: '2024-10-20T12:00:00Z' })]);
  const byMondays = ['2024-10-14', '2024-10-21', '2024-10-28', '2024-11-04'];
  const bySundays = ['2024-10-13', '2024-10-20', '2024-10-27', '2024-11-03'];
  const at = (days: readonly string[]) => days.map((day) => `${day}T00:00:00.000Z`);
  expect(await listZeros(scene)).toEqual(at(byMondays));
  for (const _round of [1, 2, 3]) {
    await scene.change({ timezone: 'UTC', firstDayOfWeek: 7 });
    expect(await listWeeks(scene)).toEqual(bySundays);
    await scene.change({ timezone: 'UTC', firstDayOfWeek: 1 });
    expect(await listWeeks(scene)).toEqual(byMondays);
    // None of the week of the 13th, which ends before the earliest item.
    expect(await listZeros(scene)).toEqual(at([...byMondays, ...bySundays.slice(1)].sort()));
  }
});

test('weeks that are past the retention get no zeros', async () => {
  const scene = await makeScene({ timezone: 'UTC', firstDayOfWeek: 1 });
  await scene.post([sentItem({ kind: 'upload', occurred_at: '2024-10-15T12:00:00Z' })]);
  await it.platform.scopes.inInstance(({ db }) =>
    sql`update organizations set weeks_kept = 2 where id = ${scene.organization.id}`.execute(db),
  );
  const before = await listZeros(scene);
  await scene.change({ timezone: 'UTC', firstDayOfWeek: 7 });
  const added = (await listZeros(scene)).filter((time) => !before.includes(time));
  expect(added).toEqual(['2024-10-27T00:00:00.000Z', '2024-11-03T00:00:00.000Z']);
});

test('a week that has not begun, on record because a clock is ahead, gives way too', async () => {
  const midweek = it.clock.now;
  it.clock.now = new Date('2024-11-10T23:58:00Z');
  const scene = await makeScene({ timezone: 'UTC', firstDayOfWeek: 1 });
  await scene.post([sentItem({ occurred_at: '2024-11-11T00:01:00Z' })]);
  await scene.summary();
  await scene.change({ timezone: 'UTC', firstDayOfWeek: 7 });
  const { rows } = await scene.within(({ db }) =>
    sql`select week_start_date from activity_weeks order by 1`.execute(db),
  );
  expect(rows).toEqual([{ week_start_date: '2024-11-03' }, { week_start_date: '2024-11-10' }]);
  expect((await scene.summary('2024-11-11')).stats.updates).toBe(1);
  it.clock.now = midweek;
});
