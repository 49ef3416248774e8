import type { WeeklyData } from '@almanac/contract/weekly.ts';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getOrganizationSettings } from '#features/organizations/index.ts';
import { putSource } from '#features/sources/index.ts';
import { shiftWeek, type WeekCalendar, weekAt } from '#kernel/weeks.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { type CountedItem, recountWeek } from '#testing/recount-week.ts';
import { readWeeklyMetrics, recountDays } from '#testing/weekly-metrics.ts';
import { lasting, makeWeeklyScene, type SentItem, sentItem, type WeeklyScene } from '#testing/weekly-scene.ts';

let it: TestApp;
beforeAll(async () => {
  it = await makeTestApp({ runsJobs: true, now: new Date('2024-11-06T15:30:00Z') });
});
afterAll(() => it.close());

const hourMs = 3_600_000;
const kinds = ['upload', 'update', 'decision', 'completion', 'review'] as const;
const calendars = fc.record({
  timezone: fc.constantFrom('UTC', 'America/New_York', 'Europe/Berlin', 'America/Havana', 'Africa/Cairo', 'Pacific/Kiritimati', 'Pacific/Pago_Pago', 'Australia/Lord_Howe'),
  firstDayOfWeek: fc.integer({ min: 1, max: 7 }),
}); // biome-ignore format: zones read better in a line

/** Ages in whole half hours, so that many lie right at midnights and changes of clocks. */
const items: fc.Arbitrary<SentItem> = fc
  .record({
    kind: fc.constantFrom(...kinds),
    author: fc.constantFrom('Ada', 'Ben', 'Chloé', 'ada'),
    category: fc.constantFrom('Docs', 'Design', 'docs'),
    impact: fc.constantFrom('high' as const, 'medium' as const, 'low' as const),
    halfHoursAgo: fc.integer({ min: 0, max: 11 * 7 * 48 }),
    share: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: null }),
    number: fc.integer({ min: 0, max: 12 }),
  })
  .map(({ kind, author, category, impact, halfHoursAgo, share, number }) => {
    const now = it.clock.now.getTime();
    const occurredMs = now - (halfHoursAgo * hourMs) / 2;
    const resolvedMs = occurredMs + Math.round(((share ?? 0) * (now - occurredMs)) / hourMs / 2) * hourMs * 2;
    const isResolved = kind === 'review' && share !== null;
    return {
      ...{ kind, author, category, impact, title: `${kind} ${number}`, status: 'x' },
      external_id: String(number),
      occurred_at: new Date(occurredMs).toISOString(),
      resolved_at: isResolved ? new Date(Math.min(resolvedMs, now)).toISOString() : null,
    };
  });
const steps = fc.array(
  fc.oneof(
    fc.record({
      by: fc.constant('post' as const),
      items: fc.uniqueArray(items, { selector: ({ external_id }) => external_id, maxLength: 12, minLength: 1 }),
    }),
    fc.record({
      by: fc.constant('source' as const),
      items: fc.uniqueArray(items, { selector: ({ external_id }) => external_id, maxLength: 12 }),
      removed: fc.array(fc.integer({ min: 0, max: 12 }).map(String), { maxLength: 4 }),
      isWhole: fc.boolean(),
    }),
  ),
  { minLength: 1, maxLength: 6 },
);
type Step = typeof steps extends fc.Arbitrary<(infer One)[]> ? One : never;

/** What there should be, by source and external id. */
type Model = Map<string, CountedItem>;

async function take(scene: WeeklyScene, step: Step, { model, readNumber }: { model: Model; readNumber: number }) {
  const put = () => {
    for (const item of step.items) {
      model.set(`${step.by}/${item.external_id}`, item as unknown as CountedItem);
    }
  };
  if (step.by === 'post') {
    const answer = await scene.post(step.items);
    expect(answer.statusCode, answer.body).toBe(200);
    return put();
  }
  await scene.within(async (tx) => {
    const sourceId = await putSource(tx, { kind: 'test', name: 'Test' });
    const records = step.items.map((item) => ({ url: null, ...item })) as never;
    const change = { sourceId, items: records, removed: step.removed, readNumber, removesNotMet: step.isWhole };
    await it.features.weekly.recordActivity(tx, await getOrganizationSettings(tx), change);
  });
  for (const id of step.removed) model.delete(`source/${id}`);
  if (step.isWhole) for (const key of [...model.keys()]) if (key.startsWith('source/')) model.delete(key);
  put();
}

async function expectRecount(
  scene: WeeklyScene,
  startDate: string,
  { model, calendar }: { model: Model; calendar: WeekCalendar },
) {
  const expected = recountWeek([...model.values()], startDate, calendar);
  const data = await scene.summary(startDate);
  const {
    previous: _previous,
    change: _change,
    change_reason: _reason,
    comparison: _basis,
    ...stats
  } = await scene.stats(startDate);
  expect(data.week.start).toBe(
    Temporal.PlainDate.from(startDate)
      .toZonedDateTime(calendar.timezone)
      .toInstant()
      .toString({ fractionalSecondDigits: 3 }),
  );
  expect(data.stats).toEqual(expected.stats);
  expect(stats).toEqual(expected.stats);
  expect(await scene.activity(startDate)).toEqual(expected.days);
  expect(data.chartData.weeklyActivity).toEqual(expected.days);
  expect((await scene.pending(startDate)).length).toBe(expected.stats.pendingReviews);
  const names = ({ name, value }: { name: string; value: number }) => [name, value];
  expect(Object.fromEntries(data.chartData.categoryBreakdown.map(names))).toEqual(expected.categories);
  const impacts = data.chartData.impactDistribution.filter(({ value }) => value > 0);
  expect(Object.fromEntries(impacts.map(({ name, value }) => [name.toLowerCase(), value]))).toEqual(expected.impacts);
  await expectViews(scene, startDate, data);
}

async function expectViews(scene: WeeklyScene, startDate: string, { stats, chartData }: WeeklyData) {
  await scene.within(async ({ db }) => {
    const numbers = await sql<{ stat_name: string; stat_value: number }>`
      select stat_name, stat_value from weekly_stats where week_start_date = ${startDate}`.execute(db);
    const days = await sql`
      select day_name as day, day_date as date, uploads, updates, decisions, completed from weekly_activity
      where week_start_date = ${startDate} order by day_date`.execute(db);
    const stored = await sql<{ data: WeeklyData }>`
      select data from weekly_data where week_start_date = ${startDate}`.execute(db);
    // A week without a thing on record is not on record itself.
    if (numbers.rows.length === 0)
      return expect(Object.values(stats).reduce((a, b) => a + b) - stats.pendingReviews).toBe(0);
    expect(Object.fromEntries(numbers.rows.map(({ stat_name, stat_value }) => [stat_name, stat_value]))).toEqual(stats);
    expect(days.rows).toEqual(chartData.weeklyActivity);
    expect(stored.rows.map(({ data }) => [data.stats, data.chartData])).toEqual([[stats, chartData]]);
  });
}

async function expectMetrics(scene: WeeklyScene, items: readonly CountedItem[], timezone: string) {
  const { stats } = await scene.summary();
  const { days, least, gauges } = await scene.within(({ db }) => readWeeklyMetrics(db, scene.organization.id));
  expect(days).toEqual(recountDays(items, timezone));
  expect(least).toBeGreaterThanOrEqual(0);
  const { contributors, pendingReviews: pending_reviews } = stats;
  expect({ contributors: 0, pending_reviews: 0, ...gauges }).toEqual({ contributors, pending_reviews });
}

/** What a client keeps of each address, to ask with its ETag the next time. */
type Kept = Map<string, { etag: string; body: string; version: number }>;

async function expectTagsToTell(scene: WeeklyScene, url: string, kept: Kept) {
  const before = kept.get(url);
  const answer = await scene.request({ url, headers: before ? { 'if-none-match': before.etag } : {} });
  if (answer.statusCode === 304) {
    const fresh = await scene.request({ url });
    expect(describeBody(fresh.body).body).toBe(before?.body);
    return;
  }
  const { body, version } = describeBody(answer.body);
  const etag = String(answer.headers.etag);
  if (before && before.body !== body) expect(etag).not.toBe(before.etag);
  expect(version).toBeGreaterThanOrEqual(before?.version ?? 0);
  kept.set(url, { etag, body, version });
}

function describeBody(text: string): { body: string; version: number } {
  const { data } = JSON.parse(text) as { data: WeeklyData };
  const isSummary = 'chartData' in data;
  return { body: JSON.stringify(isSummary ? lasting(data) : data), version: isSummary ? data.version : 0 };
}

test('the numbers of every week, and those in the metric store, equal a recount, everywhere, and ETags tell of every change', async () => {
  await fc.assert(
    fc.asyncProperty(calendars, steps, async (calendar, taken) => {
      const scene = await makeWeeklyScene(it, calendar);
      const current = weekAt(it.clock.now.getTime(), calendar);
      const dates = [1, 0, -1, -2, -3, -8, -11, -40].map((count) => shiftWeek(current, count).startDate);
      const urls = dates.flatMap((date) =>
        ['summary', 'activity', 'stats'].map((path) => `/api/weekly/${path}?week=${date}`),
      );
      const model: Model = new Map();
      const kept: Kept = new Map();
      for (const [index, step] of taken.entries()) {
        await take(scene, step, { model, readNumber: index + 1 });
        for (const url of urls) await expectTagsToTell(scene, url, kept);
        await expectMetrics(scene, [...model.values()], calendar.timezone);
      }
      await it.platform.jobs.whenIdle();
      for (const date of dates) await expectRecount(scene, date, { model, calendar });
    }),
    { numRuns: 5 },
  );
}, 60_000);

async function readItems(scene: WeeklyScene): Promise<CountedItem[]> {
  const { rows } = await scene.within(({ db }) =>
    sql<CountedItem>`
    select kind, author, category, impact, to_json(occurred_at) #>> '{}' as occurred_at,
      to_json(resolved_at) #>> '{}' as resolved_at from activity_items`.execute(db),
  );
  return rows;
}

test('writers at once, of the same items and moving them about, leave numbers that equal a recount', async () => {
  const calendar = { timezone: 'Europe/Berlin', firstDayOfWeek: 1 };
  const scene = await makeWeeklyScene(it, calendar);
  const weeks = ['2024-11-05', '2024-10-30', '2024-10-22'];
  const write = (writer: number) =>
    Array.from({ length: 10 }, (_, n) =>
      sentItem({
        kind: kinds[(n + writer) % 5] ?? 'update',
        external_id: `moving-${n}`,
        occurred_at: `${weeks[(n + writer) % 3]}T10:00:00Z`,
      }),
    );
  const repeated = Array.from({ length: 20 }, (_, n) =>
    sentItem({ external_id: `same-${n}`, occurred_at: '2024-11-05T10:00:00Z' }),
  );
  const answers = await Promise.all(
    Array.from({ length: 12 }, async (_, writer) => {
      await scene.summary(weeks[writer % 3]);
      const answer = await scene.post([...write(writer), ...repeated]);
      await scene.summary(weeks[(writer + 1) % 3]);
      return answer.json<{ data: { inserted: number; updated: number; unchanged: number } }>().data;
    }),
  );
  const total = (name: 'inserted' | 'updated' | 'unchanged') => answers.reduce((sum, answer) => sum + answer[name], 0);
  expect(total('inserted')).toBe(30);
  expect(total('inserted') + total('updated') + total('unchanged')).toBe(12 * 30);
  await it.platform.jobs.whenIdle();
  const stored = await readItems(scene);
  expect(stored).toHaveLength(30);
  for (const date of ['2024-11-04', '2024-10-28', '2024-10-21']) {
    const data = await scene.summary(date);
    expect(data.stats).toEqual(recountWeek(stored, date, calendar).stats);
    await expectViews(scene, date, data);
  }
  await expectMetrics(scene, stored, calendar.timezone);
});

test('readings of one source at once, bringing and removing the same items, leave metrics that equal a recount', async () => {
  const calendar = { timezone: 'Europe/Berlin', firstDayOfWeek: 1 };
  const scene = await makeWeeklyScene(it, calendar);
  const sourceId = await scene.within((tx) => putSource(tx, { kind: 'test', name: 'Test' }));
  const record = (reading: number) =>
    Array.from({ length: 8 }, (_, n) => ({
      ...sentItem({
        kind: kinds[(n + reading) % 5] ?? 'update',
        external_id: `${(n * reading) % 12}`,
        occurred_at: `2024-11-0${1 + (n % 4)}T10:${10 + reading}:00Z`,
      }),
      ...{ category: 'Docs', impact: 'low', status: 'x', url: null, resolved_at: null },
    }));
  const readings = Array.from({ length: 12 }, (_, reading) =>
    scene.within(async (tx) => {
      const items = [...new Map(record(reading).map((item) => [item.external_id, item])).values()] as never;
      const removed = [0, 1, 2].map((n) => `${(n * 5 + reading) % 12}`);
      const change = { sourceId, items, removed, readNumber: reading, removesNotMet: reading % 3 === 0 };
      await it.features.weekly.recordActivity(tx, await getOrganizationSettings(tx), change);
    }),
  );
  await Promise.all(readings);
  await expectMetrics(scene, await readItems(scene), calendar.timezone);
});
