import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { inject } from '#testing/inject.ts';
import { MetricsScene, point } from '#testing/metrics-scene.ts';

let scene: MetricsScene;
beforeAll(async () => {
  scene = await MetricsScene.open();
});
beforeEach(() => scene.begin());
afterAll(() => scene.it.close());

describe('Points', () => {
  test('are taken one by itself or in a list, and answered with their counts', async () => {
    const one = await scene.post(point());
    expect([one.statusCode, one.json()]).toEqual([202, { accepted: 1, duplicates: 0 }]);
    const many = await scene.post({
      points: [point({ metric_value: 2 }), point({ metric_value: 3, metadata: { a: [1] } })],
    });
    expect(many.json()).toEqual({ accepted: 2, duplicates: 0 });
    const { data } = await scene.get();
    expect(data.map(({ metric_value }: { metric_value: number }) => metric_value).sort()).toEqual([1, 2, 3]);
    expect(data[0]).toMatchObject({
      metric_type: 'checkout',
      recorded_at: '2024-12-18T09:30:00.000Z',
      business_id: null,
    });
  });

  test('of the same id and time count once, within a call and again', async () => {
    const id = newId();
    expect((await scene.post({ points: [point({ id }), point({ id: id.toUpperCase() })] })).json()).toEqual({
      accepted: 1,
      duplicates: 1,
    });
    expect((await scene.post(point({ id, metric_value: 9 }))).json()).toEqual({ accepted: 0, duplicates: 1 });
    expect((await scene.post(point({ id, recorded_at: '2024-12-18T09:30:00.000001Z' }))).json().accepted).toBe(1);
    const { data } = await scene.get({ granularity: 'day' });
    expect(data).toMatchObject([{ count: 2, sum: 2, min: 1, max: 1, avg: 1, last: 1 }]);
  });

  test('are written once for one Idempotency-Key', async () => {
    const headers = { 'idempotency-key': newId() };
    const answers = [await scene.post(point(), headers), await scene.post(point(), headers)];
    expect(answers.map((answer) => answer.json().accepted)).toEqual([1, 1]);
    expect(await scene.countPoints()).toBe(1);
  });

  test('without a time are of now', async () => {
    await scene.post({ ...point(), recorded_at: undefined });
    expect((await scene.get()).data[0].recorded_at).toBe('2024-12-18T12:00:00.000Z');
  });

  test.each([
    ['a text for a value', { metric_value: '5' }, 'metric_value'],
    ['no value', { metric_value: undefined }, 'metric_value'],
    ['a value that no number keeps', { metric_value: 1e300 }, 'metric_value'],
    ['no type', { metric_type: undefined }, 'metric_type'],
    ['an empty name', { metric_name: '' }, 'metric_name'],
    ['a name of two lines', { metric_name: 'a\nb' }, 'metric_name'],
    ['a field that is none', { value: 3 }, 'value'],
    ['an id that is none', { id: '7' }, 'id'],
    ['a time that is none', { recorded_at: 'yesterday' }, 'recorded_at'],
    ['a day that is none', { recorded_at: '2023-02-29T00:00:00Z' }, 'recorded_at'],
    ['a time before 1970', { recorded_at: '1969-12-31T23:59:59Z' }, 'recorded_at'],
    ['a time to come', { recorded_at: '2024-12-18T12:05:01Z' }, 'recorded_at'],
    ['a time of the year 9999', { recorded_at: '9999-12-31T23:59:59Z' }, 'recorded_at'],
    ['large metadata', { metadata: { a: 'x'.repeat(9_000) } }, 'metadata'],
  ])('with %s are refused by index, and nothing of the call is written', async (_what, wrong, field) => {
    const answer = await scene.post({ points: [point(), point(wrong)] });
    expect(answer.statusCode).toBe(400);
    const { errors } = answer.json().error.details;
    expect(errors[0]).toMatchObject({ field: `points[1].${field}`, index: 1 });
    expect(await scene.countPoints()).toBe(0);
  });

  test.each([{}, { 'content-type': 'text/plain' }])('that are none, with headers %j, are refused', async (headers) => {
    const request = {
      method: 'POST',
      url: '/api/dashboard/metrics',
      headers: { ...scene.member.headers, ...headers },
    } as const;
    const answer = await inject(scene.it.app, request);
    expect([answer.statusCode, answer.json().error.details.field]).toEqual([400, 'body']);
  });

  test('are at most 10,000 in a call', async () => {
    const answer = await scene.post({ points: Array.from({ length: 10_001 }, () => ({ a: 1 })) });
    expect([answer.statusCode, answer.json().error.details.field]).toEqual([400, 'points']);
  });

  test('of one metric have one unit, which can be changed', async () => {
    await scene.post(point());
    await scene.post(point({ metric_unit: 'ms' }));
    const clash = await scene.post({ points: [point(), point({ metric_unit: 's' })] });
    expect(clash.statusCode).toBe(400);
    const issue = expect.stringContaining("'s' is not 'ms'");
    expect(clash.json().error.details).toMatchObject({ field: 'points[1].metric_unit', issue });
    const within = await scene.post({
      points: ['s', 'ms'].map((unit) => point({ metric_name: 'other', metric_unit: unit })),
    });
    expect(within.json().error.details.field).toBe('points[1].metric_unit');
    const change = {
      method: 'PUT',
      url: '/api/dashboard/catalog/checkout/latency',
      body: { metric_unit: 's' },
    } as const;
    expect((await inject(scene.it.app, { ...change, headers: scene.member.headers })).json()).toMatchObject({
      metric_unit: 's',
    });
    expect((await scene.post(point({ metric_unit: 's' }))).statusCode).toBe(202);
  });

  test('of a month that no partition was made for are taken too', async () => {
    expect((await scene.post(point({ recorded_at: '1999-01-01T00:00:00Z' }))).json().accepted).toBe(1);
    expect((await scene.get({ granularity: 'day' })).data).toHaveLength(1);
  });

  test('of another organization are not there', async () => {
    await scene.post(point());
    const stranger = await (await scene.it.makeOrganization()).member('owner');
    const answer = await inject(scene.it.app, { url: '/api/dashboard/metrics', headers: stranger.headers });
    expect(answer.json()).toEqual({ data: [], next_cursor: null });
  });
});

describe('The catalogue', () => {
  test('learns what is pushed, and how it is read can be said', async () => {
    const points = ['eu', 'us'].map((dimension_1) => point({ dimension_1, metric_unit: 'ms' }));
    await scene.post({ points: [...points, point({ metric_name: 'orders', metric_unit: 'count' })] });
    const read = () => scene.get({}, '/api/dashboard/catalog');
    const learnt = { metric_type: 'checkout', direction: 'up', first_seen: '2024-12-18T09:00:00.000Z' };
    expect(await read()).toMatchObject([
      { ...learnt, metric_name: 'latency', metric_unit: 'ms', aggregation: 'average', series: 2 },
      { ...learnt, metric_name: 'orders', aggregation: 'sum', series: 1, last_seen: '2024-12-18T09:30:00.000Z' },
    ]);
    const change = { method: 'PUT', headers: scene.member.headers, body: { direction: 'down' } } as const;
    await inject(scene.it.app, { ...change, url: '/api/dashboard/catalog/checkout/latency' });
    expect((await read())[0]).toMatchObject({ direction: 'down', aggregation: 'average' });
    expect((await inject(scene.it.app, { ...change, url: '/api/dashboard/catalog/checkout/none' })).statusCode).toBe(
      404,
    );
  });
});
