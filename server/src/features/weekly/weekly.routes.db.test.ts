import { WeekComparison, WeeklyData } from '@almanac/contract/weekly.ts';
import { Compile } from 'typebox/compile';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { makeWeeklyScene, sentItem, type WeeklyScene } from '#testing/weekly-scene.ts';

let it: TestApp;
let scene: WeeklyScene;
beforeAll(async () => {
  it = await makeTestApp();
  scene = await makeWeeklyScene(it);
});
afterAll(() => it.close());

const reads = ['summary', 'stats', 'activity', 'pending', 'export'];

describe.each(reads)('GET /api/weekly/%s', (path) => {
  test.each(['current', 'last', 'two_weeks_ago', 'twoWeeksAgo', 'two-weeks-ago', '2024-W51', '2026-W02', '2024-12-22'])(
    'takes the week %s',
    async (week) => {
      expect((await scene.request({ url: `/api/weekly/${path}`, query: { week } })).statusCode).toBe(200);
    },
  );

  test.each(['', 'W51', '2024-W00', '2024-W53', '2023-02-29', 'next', 'x'.repeat(41), "' or 1=1", '%00'])(
    'refuses the week %j and names what it takes',
    async (week) => {
      const answer = await scene.request({ url: `/api/weekly/${path}?week=${encodeURIComponent(week)}` });
      expect(answer.statusCode).toBe(400);
      expect(answer.json()).toMatchObject({ success: false, code: 'VALIDATION_ERROR' });
      expect(answer.body).toContain('week');
      if (week.length < 40) expect(answer.body).toContain('two_weeks_ago');
    },
  );

  test('refuses two weeks at once, and what it does not know', async () => {
    expect((await scene.request({ url: `/api/weekly/${path}?week=current&week=last` })).statusCode).toBe(400);
    expect((await scene.request({ url: `/api/weekly/${path}?wek=last` })).statusCode).toBe(400);
  });
});

test('POST /api/weekly/refresh takes a week, and no body at all; and refuses another week and type', async () => {
  const refresh = (body?: object) =>
    scene.request({ method: 'POST', url: '/api/weekly/refresh', ...(body ? { body } : {}) });
  expect((await refresh({ week: 'last' })).json()).toMatchObject({ success: true, data: { week: { id: '2024-W50' } } });
  expect((await refresh({})).json().data.week.id).toBe('2024-W51');
  expect((await refresh()).json().data.week.id).toBe('2024-W51');
  expect((await refresh({ week: 'nonsense' })).statusCode).toBe(400);
  expect((await refresh({ week: ['current'] })).statusCode).toBe(400);
  expect((await refresh({ week: null })).statusCode).toBe(400);
});

test('answers are what the contract says, empty and full', async () => {
  const week = Compile(WeeklyData);
  const comparison = Compile(WeekComparison);
  const own = await makeWeeklyScene(it, { timezone: 'Asia/Kolkata', firstDayOfWeek: 7 });
  expect([...week.Errors(await own.summary())]).toEqual([]);
  const kinds = ['upload', 'update', 'decision', 'completion', 'review'] as const;
  const items = Array.from({ length: 300 }, (_, n) =>
    sentItem({
      kind: kinds[n % 5] ?? 'update',
      category: `C${n % 33}`,
      impact: n % 2 ? 'high' : 'low',
      author: `A${n % 9}`,
    }),
  );
  await own.post(items);
  expect([...week.Errors(await own.summary())]).toEqual([]);
  expect([...comparison.Errors(await own.stats())]).toEqual([]);
  expect((await own.activity()).map(({ day }) => day)).toEqual(['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']);
  expect((await own.summary()).chartData.categoryBreakdown).toHaveLength(20);
});

describe('Rights', () => {
  test('a viewer reads and refreshes, and may not post', async () => {
    const viewer = await makeWeeklyScene(it, { role: 'viewer' });
    expect((await viewer.request({ url: '/api/weekly/summary' })).statusCode).toBe(200);
    expect((await viewer.request({ method: 'POST', url: '/api/weekly/refresh' })).statusCode).toBe(200);
    expect((await viewer.post([sentItem()])).statusCode).toBe(403);
  });

  test('without credentials nothing is posted', async () => {
    const body = { items: [sentItem()] };
    const answer = await Promise.resolve(it.app.inject({ method: 'POST', url: '/api/weekly/items', body }));
    expect(answer.statusCode).toBe(401);
  });

  test('another organization sees nothing of it, nor may it be named', async () => {
    const [one, other] = [await makeWeeklyScene(it), await makeWeeklyScene(it)];
    await one.post([sentItem({ external_id: 'a' }), sentItem({ kind: 'review' })]);
    expect((await other.summary()).stats).toMatchObject({ updates: 0, pendingReviews: 0, contributors: 0 });
    expect(await other.pending()).toEqual([]);
    expect((await other.post([sentItem({ external_id: 'a', title: 'B' })])).json().data.inserted).toBe(1);
    expect((await one.summary()).updates).toMatchObject([{ title: 'A change' }]);
    const named = { 'x-organization-id': one.organization.id };
    for (const path of reads) {
      const answer = await other.request({ url: `/api/weekly/${path}`, headers: named });
      expect([403, 404]).toContain(answer.statusCode);
    }
  });
});

describe('Pending reviews', () => {
  const review = (external_id: string, occurred_at: string, resolved_at?: string) =>
    sentItem({ kind: 'review', title: external_id, external_id, occurred_at, resolved_at: resolved_at ?? null });

  test('come oldest first, with the hours they wait; of a past week, as at its end', async () => {
    const own = await makeWeeklyScene(it);
    await own.post([
      review('young', '2024-12-18T10:30:00Z'),
      review('old', '2024-12-01T12:00:00Z'),
      review('done', '2024-12-14T12:00:00Z', '2024-12-16T00:00:00Z'),
      review('gone', '2024-12-14T12:00:00Z', '2024-12-15T23:59:59Z'),
    ]);
    const titles = async (week?: string) =>
      (await own.pending(week)).map(({ title, waitingHours }) => [title, waitingHours]);
    expect(await titles()).toEqual([
      ['old', 408],
      ['young', 1.5],
    ]);
    expect(await titles('last')).toEqual([
      ['old', 348],
      ['done', 36],
    ]);
    expect((await own.summary('last')).stats.pendingReviews).toBe(2);
    expect((await own.pending('last')).map(({ status }) => status)).toEqual(['pending', 'pending']);
    expect((await own.summary('last')).pending.map(({ title, status }) => [title, status])).toEqual([
      ['done', 'pending'],
      ['old', 'pending'],
    ]);
  });

  test('are cut at a limit, and the header tells how many there are', async () => {
    const own = await makeWeeklyScene(it);
    await own.post([review('a', '2024-12-01T12:00:00Z'), review('b', '2024-12-02T12:00:00Z')]);
    const answer = await own.request({ url: '/api/weekly/pending?limit=1' });
    expect(answer.json().data).toMatchObject([{ title: 'a' }]);
    expect(answer.headers['x-total-count']).toBe('2');
    for (const limit of ['0', '5001', 'x', '1.5', '']) {
      expect((await own.request({ url: `/api/weekly/pending?limit=${limit}` })).statusCode).toBe(400);
    }
  });
});
