import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { inject } from '#testing/inject.ts';
import { MetricsScene, point } from '#testing/metrics-scene.ts';

let scene: MetricsScene;
beforeAll(async () => {
  scene = await MetricsScene.open();
});
beforeEach(() => scene.begin());
afterAll(() => scene.it.close());

describe('A list of values', () => {
  test('is read in pages, the newest first, that stand still while points are written, also at equal times', async () => {
    const times = ['09:00:00Z', '09:00:00Z', '09:00:00Z', '10:00:00Z', '08:00:00.5Z'];
    await scene.post({
      points: times.map((time, index) => point({ recorded_at: `2024-12-18T${time}`, metric_value: index })),
    });
    for (const query of [{}, { metric_type: 'checkout' }, { metric_name: 'latency', period_start: '2024-12-18' }]) {
      const seen: number[] = [];
      let cursor: string | undefined;
      do {
        const page = await scene.get({ ...query, limit: 2, ...(cursor ? { cursor } : {}) });
        seen.push(...page.data.map((row: { metric_value: number }) => row.metric_value));
        cursor = page.next_cursor;
        await scene.post(point({ recorded_at: '2024-12-18T11:00:00Z', metric_name: 'later', metric_type: 'other' }));
      } while (cursor);
      const mine = seen.filter((value) => value !== 1 || seen.indexOf(value) === seen.lastIndexOf(value));
      expect([...new Set(mine)].sort()).toEqual([0, 1, 2, 3, 4]);
      expect(seen.slice(-1)).toEqual([4]);
    }
  });

  test('is cut to local days, the last included, or to times', async () => {
    // Berlin's 18 December begins at 23:00 UTC the day before.
    const at = ['2024-12-16T22:59:59Z', '2024-12-16T23:00:00Z', '2024-12-17T22:59:59.999999Z', '2024-12-17T23:00:00Z'];
    await scene.post({ points: at.map((recorded_at, index) => point({ recorded_at, metric_value: index })) });
    const values = async (query: object) =>
      (await scene.get(query)).data.map((row: { metric_value: number }) => row.metric_value).sort();
    expect(await values({ period_start: '2024-12-17', period_end: '2024-12-17' })).toEqual([1, 2]);
    expect(await values({ period_start: '2024-12-17T23:00:00Z' })).toEqual([3]);
    expect(await values({ period_end: '2024-12-16T23:00:00Z' })).toEqual([0]);
  });

  test.each([
    [{ period_start: '2024-02-30' }, 'period_start'],
    [{ period_end: 'now' }, 'period_end'],
    [{ period_end: '9999-12-31' }, 'period_end'],
    [{ period_start: '0000-01-01' }, 'period_start'],
    [{ period_start: '-271821-04-20T00:00:00Z' }, 'period_start'],
    [{ period_start: '2024-12-18', period_end: '2024-12-17' }, 'period_end'],
    [{ limit: 0 }, 'limit'],
    [{ limit: 1_001 }, 'limit'],
    [{ granularity: 'month' }, 'granularity'],
    [{ cursor: 'x' }, 'cursor'],
  ])('with %j is refused by name', async (query, field) => {
    const { error } = await scene.get(query);
    expect([error.code, error.details.field]).toEqual(['VALIDATION_ERROR', field]);
  });

  test('takes no cursor of another list', async () => {
    await scene.post({ points: [point(), point()] });
    const { next_cursor: cursor } = await scene.get({ limit: 1 });
    expect((await scene.get({ cursor, metric_type: 'checkout' })).error.details.field).toBe('cursor');
  });
});

describe('Hours, days and weeks', () => {
  test('are the organization’s, and the running one is not complete', async () => {
    const at = ['2024-12-15T22:59:00Z', '2024-12-15T23:00:00Z', '2024-12-18T12:00:00Z', '2024-12-18T12:04:00Z'];
    await scene.post({ points: at.map((recorded_at, index) => point({ recorded_at, metric_value: index + 1 })) });
    const read = async (granularity: string) =>
      (await scene.get({ granularity })).data.map((row: Record<string, unknown>) => [
        row.bucket_start,
        row.count,
        row.sum,
        row.last,
        row.complete,
      ]);
    expect(await read('hour')).toEqual([
      ['2024-12-18T12:00:00.000Z', 2, 7, 4, false],
      ['2024-12-15T23:00:00.000Z', 1, 2, 2, true],
      ['2024-12-15T22:00:00.000Z', 1, 1, 1, true],
    ]);
    expect(await read('day')).toEqual([
      ['2024-12-17T23:00:00.000Z', 2, 7, 4, false],
      ['2024-12-15T23:00:00.000Z', 1, 2, 2, true],
      ['2024-12-14T23:00:00.000Z', 1, 1, 1, true],
    ]);
    expect(await read('week')).toEqual([
      ['2024-12-15T23:00:00.000Z', 3, 9, 4, false],
      ['2024-12-08T23:00:00.000Z', 1, 1, 1, true],
    ]);
  });

  test.each([
    ['23 hours', '2024-03-30T22:30:00Z', ['2024-03-30T23:00:00.000Z', 23]],
    ['25 hours', '2024-10-26T21:30:00Z', ['2024-10-26T22:00:00.000Z', 25]],
  ])('of a day of %s are as many, each once', async (_what, from, expected) => {
    const start = Date.parse(from);
    const points = Array.from({ length: 29 }, (_, hour) =>
      point({ recorded_at: new Date(start + hour * 3_600_000).toISOString() }),
    );
    await scene.post({ points });
    expect((await scene.get({ granularity: 'hour' })).data).toHaveLength(29);
    const days = (await scene.get({ granularity: 'day' })).data;
    expect([days[1].bucket_start, days[1].count]).toEqual(expected);
  });

  test('are paged by series, each once', async () => {
    const points = [0, 1, 2].flatMap((day) =>
      ['a', 'b', 'c'].map((dimension_1) => point({ dimension_1, recorded_at: `2024-12-1${day}T09:00:00Z` })),
    );
    await scene.post({ points });
    for (const granularity of ['day', 'week']) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await scene.get({ granularity, limit: 2, ...(cursor ? { cursor } : {}) });
        seen.push(...page.data.map((row: Record<string, string>) => `${row.bucket_start} ${row.dimension_1}`));
        cursor = page.next_cursor;
      } while (cursor);
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen).toHaveLength(granularity === 'day' ? 9 : 3);
    }
    expect((await scene.get({ granularity: 'day', dimension_1: 'a' })).data).toHaveLength(3);
  });

  test('are not paged from one first day of the week into another', async () => {
    const at = ['2024-12-02', '2024-12-09', '2024-12-16'];
    await scene.post({ points: at.map((day) => point({ recorded_at: `${day}T09:00:00Z` })) });
    const [ofDays, ofWeeks] = [
      { granularity: 'day', limit: 1 },
      { granularity: 'week', limit: 1 },
    ];
    const [days, weeks] = [await scene.get(ofDays), await scene.get(ofWeeks)];
    const { headers } = await scene.organization.member('owner');
    const url = `/api/organizations/${scene.organization.id}`;
    const body = { first_day_of_week: 7 };
    expect((await inject(scene.it.app, { method: 'PUT', url, body, headers })).statusCode).toBe(200);
    const refused = await scene.get({ ...ofWeeks, cursor: weeks.next_cursor });
    expect(refused.error.details.field).toBe('cursor');
    expect((await scene.get({ ...ofDays, cursor: days.next_cursor })).data).toHaveLength(1);
  });

  test('are whole, also where the period cuts them', async () => {
    const days = ['2024-12-09', '2024-12-11', '2024-12-15'];
    await scene.post({ points: days.map((day) => point({ recorded_at: `${day}T09:00:00Z` })) });
    for (const query of [
      { period_start: '2024-12-11' },
      { period_end: '2024-12-10' },
      { period_start: '2024-12-15T20:00:00Z' },
    ]) {
      const { data } = await scene.get({ ...query, granularity: 'week' });
      expect(data).toMatchObject([{ count: 3, complete: true }]);
    }
    const { data } = await scene.get({ granularity: 'day', period_start: '2024-12-15T20:00:00Z' });
    expect(data).toMatchObject([{ bucket_start: '2024-12-14T23:00:00.000Z', count: 1 }]);
  });

  test('add up decimals without losing a digit', async () => {
    await scene.post({ points: [0.1, 0.2, 1e12, -1e12].map((metric_value) => point({ metric_value })) });
    expect((await scene.get({ granularity: 'day' })).data[0]).toMatchObject({ sum: 0.3, avg: 0.075 });
  });
});
