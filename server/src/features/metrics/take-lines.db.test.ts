import { gzipSync } from 'node:zlib';
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

describe('Lines', () => {
  const lines = (count: number, more: (index: number) => object = () => ({})) =>
    Array.from({ length: count }, (_, index) => `${JSON.stringify(point({ metric_value: index, ...more(index) }))}\n`);

  test('are points, the last one with or without a newline, plain or as gzip', async () => {
    expect((await scene.postLines(lines(3).join(''))).json()).toEqual({ accepted: 3, duplicates: 0 });
    expect((await scene.postLines(lines(2).join('').trim())).json()).toEqual({ accepted: 2, duplicates: 0 });
    const zipped = await scene.postLines(gzipSync(lines(5).join('')), { 'content-encoding': 'gzip' });
    expect([zipped.statusCode, zipped.json()]).toEqual([202, { accepted: 5, duplicates: 0 }]);
    expect((await scene.postLines('')).json()).toEqual({ accepted: 0, duplicates: 0 });
    expect(await scene.countPoints()).toBe(10);
  });

  test('that are wrong are named, and the batches before them stay written', async () => {
    const ids = Array.from({ length: 4_500 }, () => newId());
    const sent = lines(4_500, (index) => ({ id: ids[index] }));
    const answer = await scene.postLines(sent.with(4_200, '{"metric_type":"checkout","metric_value":1}\n').join(''));
    expect(answer.statusCode).toBe(400);
    const { message, details } = answer.json().error;
    expect(message).toContain('line 4201');
    expect(details).toMatchObject({ field: 'line 4201.metric_name', accepted: 4_000, duplicates: 0 });
    expect(await scene.countPoints()).toBe(4_000);
    expect((await scene.postLines(sent.join(''))).json()).toEqual({ accepted: 500, duplicates: 4_000 });
    const { data } = await scene.get({ granularity: 'day' });
    expect(data[0]).toMatchObject({ count: 4_500, sum: (4_499 * 4_500) / 2 });
  });

  test.each([
    ['no JSON', 'x', 'Line 2'],
    ['an empty one', '', 'Line 2'],
    ['a list', '[]', 'line 2'],
    ['a time to come', JSON.stringify(point({ recorded_at: '2030-01-01T00:00:00Z' })), 'line 2.recorded_at'],
    ['U+0000', '{"metric_type":"\\u0000"}', 'line 2'],
    ['a long one', `{"a":"${'x'.repeat(65_536)}"}`, 'Line 2 is longer'],
  ])('that hold %s are refused by number', async (_what, line, message) => {
    const answer = await scene.postLines(`${lines(1)[0]}${line}\n${lines(1)[0]}`);
    expect([answer.statusCode, answer.json().error.message]).toEqual([400, expect.stringContaining(message)]);
    expect(await scene.countPoints()).toBe(0);
  });

  test('of many bytes are written in more batches, each about as large', async () => {
    const sent = lines(600, () => ({ metadata: { note: 'x'.repeat(4_000) } }));
    const answer = await scene.postLines(sent.with(599, 'x\n').join(''));
    expect([answer.statusCode, answer.json().error.message]).toEqual([400, expect.stringContaining('Line 600')]);
    const { accepted } = answer.json().error.details;
    expect(accepted).toBeGreaterThan(400);
    expect(accepted).toBeLessThan(599);
    expect(await scene.countPoints()).toBe(accepted);
  });

  test('cut off or packed wrongly are refused', async () => {
    const whole = gzipSync(lines(100).join(''));
    for (const payload of [whole.subarray(0, whole.length - 20), Buffer.from('no gzip')]) {
      const answer = await scene.postLines(payload, { 'content-encoding': 'gzip' });
      expect([answer.statusCode, answer.json().error.code]).toEqual([400, 'MALFORMED_BODY']);
    }
    expect((await scene.postLines('{}', { 'content-encoding': 'br' })).statusCode).toBe(415);
    expect((await scene.postLines('{}', { 'idempotency-key': 'a' })).statusCode).toBe(400);
    const elsewhere = { method: 'POST', url: '/api/weekly/items', payload: '{}' } as const;
    const headers = { ...scene.member.headers, 'content-type': 'application/x-ndjson' };
    expect((await inject(scene.it.app, { ...elsewhere, headers })).statusCode).toBe(415);
  });
});
