import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { getOrganizationSettings } from '#features/organizations/index.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { makeWeeklyScene, type SentItem, sentItem, type WeeklyScene } from '#testing/weekly-scene.ts';

let it: TestApp;
beforeAll(async () => {
  it = await makeTestApp({ runsJobs: true });
});
afterAll(() => it.close());

interface Trend {
  metric_name: string;
  aggregation: string;
  direction: string;
  trend_data: { week_start: string; value: number | null; change_reason?: string }[];
}

const readTrend = async (scene: WeeklyScene, metric_name?: string) => {
  const query = { metric_type: 'weekly', weeks: '4', ...(metric_name === undefined ? {} : { metric_name }) };
  const answer = await scene.request({ url: '/api/dashboard/trends', query });
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json<Trend>();
};
const valuesOf = async (scene: WeeklyScene, metric_name?: string) =>
  (await readTrend(scene, metric_name)).trend_data.map(({ value }) => value);

interface Headlines {
  metrics: { metric_type: string; metric_name: string; value: number; previous: number | null; direction: string }[];
}

const readHeadlines = async (scene: WeeklyScene, query: Record<string, string> = {}) => {
  const { metrics } = (await scene.request({ url: '/api/dashboard/summary', query })).json<Headlines>();
  const own = metrics.filter(({ metric_type }) => metric_type === 'weekly');
  return Object.fromEntries(own.map(({ metric_name, value, previous }) => [metric_name, [value, previous]]));
};

const post = async (scene: WeeklyScene, items: readonly SentItem[]) => {
  const answer = await scene.post(items);
  expect(answer.statusCode, answer.body).toBe(200);
};

const upload = (external_id: string, occurred_at: string): SentItem =>
  sentItem({ kind: 'upload', external_id, occurred_at });

describe('What is posted', () => {
  test('is in the trends at once, a quiet week as a zero, and follows when it moves or turns into another kind', async () => {
    const scene = await makeWeeklyScene(it);
    await post(scene, [
      upload('a', '2024-12-03T10:00:00Z'),
      upload('b', '2024-12-17T10:05:00Z'),
      upload('c', '2024-12-17T10:10:00Z'),
    ]);
    const { metric_name, aggregation, direction, trend_data } = await readTrend(scene);
    expect([metric_name, aggregation, direction]).toEqual(['uploads', 'sum', 'up']);
    expect(trend_data).toMatchObject([
      { week_start: '2024-11-25', value: null },
      { week_start: '2024-12-02', value: 1, change_reason: 'previous_missing' },
      { week_start: '2024-12-09', value: 0 },
      { week_start: '2024-12-16', value: 2, partial: true },
    ]);
    await post(scene, [upload('b', '2024-12-10T10:00:00Z'), sentItem({ kind: 'decision', external_id: 'c' })]);
    expect(await valuesOf(scene)).toEqual([null, 1, 1, 0]);
    expect(await valuesOf(scene, 'decisions')).toEqual([null, 0, 0, 1]);
    await post(scene, [upload('a', '2024-12-03T10:00:00Z')]);
    expect(await valuesOf(scene)).toEqual([null, 1, 1, 0]);
  });

  test('is in the headlines, beside the same part of the period before', async () => {
    const scene = await makeWeeklyScene(it);
    const review = sentItem({ kind: 'review', external_id: 'r', author: 'Ben', occurred_at: '2024-12-16T10:00:00Z' });
    await post(scene, [sentItem(), upload('a', '2024-12-10T10:00:00Z'), review]);
    expect(await readHeadlines(scene)).toEqual({
      uploads: [0, 1],
      updates: [1, 0],
      decisions: [0, 0],
      completed: [0, 0],
      reviews_opened: [1, 0],
      reviews_resolved: [0, 0],
      pending_reviews: [1, null],
      contributors: [2, null],
    });
    await post(scene, [{ ...review, resolved_at: '2024-12-18T10:00:00Z' }]);
    expect(await readHeadlines(scene)).toMatchObject({ reviews_resolved: [1, 0], pending_reviews: [0, null] });
  });

  test('tells of the metrics on the feed, once a change', async () => {
    const scene = await makeWeeklyScene(it);
    const readFeed = async () => {
      const answer = await scene.request({ url: '/api/feed?after=0&types=metric_update' });
      return answer.json<{ events: { payload: object }[] }>().events.map(({ payload }) => payload);
    };
    await post(scene, [upload('a', '2024-12-03T10:00:00Z'), sentItem()]);
    const told = [{ metric_type: 'weekly', as_of: it.clock.now.toISOString() }];
    expect(await readFeed()).toMatchObject(told);
    await post(scene, [upload('a', '2024-12-03T10:00:00Z')]);
    await post(scene, [{ ...upload('a', '2024-12-03T10:00:00Z'), title: 'Another title' }]);
    expect(await readFeed()).toMatchObject(told);
  });
});

test('what lies before the weeks that are kept is not measured, and what was measured stays when it is removed', async () => {
  const scene = await makeWeeklyScene(it);
  const readCounts = async () => {
    const query = { metric_type: 'weekly', metric_name: 'uploads', granularity: 'week', limit: '1000' };
    const answer = await scene.request({ url: '/api/dashboard/metrics', query });
    const { data } = answer.json<{ data: { bucket_start: string; sum: number }[] }>();
    return data.flatMap(({ bucket_start, sum }) => (sum === 0 ? [] : [[bucket_start, sum]]));
  };
  const removeOld = () =>
    it.features.weekly.removeOldWeeks({ signal: AbortSignal.timeout(60_000), inOrganization: scene.within });
  const items = [upload('old', '2022-12-25T23:59:59Z'), upload('kept', '2022-12-26T00:00:00Z')];
  for (const _reading of [1, 2]) {
    await post(scene, [...items, sentItem()]);
    await removeOld();
    expect(await readCounts()).toEqual([['2022-12-26T00:00:00.000Z', 1]]);
  }
  await it.platform.scopes.inInstance(({ db }) =>
    sql`update organizations set weeks_kept = 4 where id = ${scene.organization.id}`.execute(db),
  );
  await removeOld();
  expect(await readCounts()).toEqual([['2022-12-26T00:00:00.000Z', 1]]);
});

test('a demo organization measures what its generator writes', async () => {
  const scene = await makeWeeklyScene(it, { isDemo: true, timezone: 'Europe/Berlin' });
  await scene.within(async (tx) => it.features.weekly.fillDemo(tx, await getOrganizationSettings(tx)));
  const { stats } = await scene.summary();
  const [, , before, running] = await valuesOf(scene);
  expect([before, running]).toEqual([(await scene.summary('last')).stats.newUploads, stats.newUploads]);
  const { pending_reviews, contributors, completed } = await readHeadlines(scene);
  expect([pending_reviews?.[0], contributors?.[0]]).toEqual([stats.pendingReviews, stats.contributors]);
  expect(Math.min(...(completed ?? [0]).map(Number))).toBeGreaterThan(0);
});

test('what is counted up to a moment within an hour is never less than nothing', async () => {
  const scene = await makeWeeklyScene(it);
  // The day before is compared up to 12:30, in the middle of an hour that holds an item on either side.
  await post(scene, [upload('a', '2024-12-17T12:10:00Z'), upload('b', '2024-12-17T12:50:00Z')]);
  await post(scene, [upload('a', '2024-12-02T12:10:00Z')]);
  it.clock.now = new Date('2024-12-18T12:30:00Z');
  const { uploads } = await readHeadlines(scene, { period_days: '1' });
  expect(uploads?.[1]).toBeGreaterThanOrEqual(0);
});

test('points from outside are not taken for what is counted here, whichever way they come', async () => {
  const scene = await makeWeeklyScene(it);
  const own = { metric_type: 'weekly', metric_name: 'bugs', metric_value: 1 };
  const points = [own, { ...own, metric_name: 'uploads' }];
  const url = '/api/dashboard/metrics';
  const answer = await scene.request({ method: 'POST', url, body: { points } });
  const { error } = answer.json<{ error: { message: string; details: { field: string } } }>();
  expect([answer.statusCode, error.details.field]).toEqual([400, 'points[1].metric_name']);
  expect(error.message).toContain("'uploads' of the type 'weekly' is counted here");
  const body = points.map((point) => JSON.stringify(point)).join('\n');
  const headers = { 'content-type': 'application/x-ndjson' };
  expect((await scene.request({ method: 'POST', url, body, headers })).statusCode).toBe(400);
  expect((await scene.request({ method: 'POST', url, body: own })).statusCode).toBe(202);
});

describe('A week that begins', () => {
  test('does so with zeros, whoever stores it first', async () => {
    const [byReader, byJob] = [await makeWeeklyScene(it), await makeWeeklyScene(it)];
    for (const scene of [byReader, byJob]) {
      await post(scene, [sentItem({ kind: 'review', occurred_at: '2024-12-17T10:00:00Z' })]);
    }
    it.clock.now = new Date('2024-12-23T08:00:00Z');
    await byReader.summary();
    await it.platform.jobs.runNow('refresh_weekly_data', byJob.organization.id);
    await it.platform.jobs.whenIdle();
    for (const scene of [byReader, byJob]) {
      expect(await valuesOf(scene, 'uploads')).toEqual([null, null, 0, 0]);
      expect(await valuesOf(scene, 'pending_reviews')).toEqual([null, null, 1, 1]);
      expect(await valuesOf(scene, 'contributors')).toEqual([null, null, 1, 0]);
    }
  });

  test('measures nothing in an organization in which nothing ever happened', async () => {
    const scene = await makeWeeklyScene(it);
    await scene.summary();
    await it.platform.jobs.runNow('refresh_weekly_data', scene.organization.id);
    await it.platform.jobs.whenIdle();
    const catalog = (await scene.request({ url: '/api/dashboard/catalog' })).json<{ metric_type: string }[]>();
    expect(catalog.filter(({ metric_type }) => metric_type === 'weekly')).toEqual([]);
  });
});
