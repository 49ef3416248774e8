import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { readCsv } from '#testing/read-csv.ts';
import { lasting, makeWeeklyScene, type SentItem, sentItem, type WeeklyScene } from '#testing/weekly-scene.ts';

let it: TestApp;
beforeAll(async () => {
  it = await makeTestApp();
});
afterAll(() => it.close());

const exportOf = (scene: WeeklyScene, query: Record<string, string>) =>
  scene.request({ url: '/api/weekly/export', query });

async function readRows(scene: WeeklyScene, week: string): Promise<Record<string, string>[]> {
  const [header = [], ...rows] = readCsv((await exportOf(scene, { week, format: 'csv' })).body);
  return rows.map((row) => Object.fromEntries(row.map((cell, index) => [header[index], cell])));
}

describe('An export', () => {
  test.each([
    [{}, 'weekly-report-2024-W51.json', 'application/json; charset=utf-8'],
    [{ week: '2024-12-30', format: 'json' }, 'weekly-report-2025-W01.json', 'application/json; charset=utf-8'],
    [{ week: 'last', format: 'csv' }, 'weekly-report-2024-W50.csv', 'text/csv; charset=utf-8; header=present'],
  ])('of %j is the file %s', async (query, name, type) => {
    const answer = await exportOf(await makeWeeklyScene(it), query as Record<string, string>);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-disposition': `attachment; filename="${name}"`,
      'content-type': type,
    });
  });

  test('as JSON is the bare weekly object', async () => {
    const scene = await makeWeeklyScene(it);
    await scene.post([sentItem({ title: 'Ünïcode 🎉' }), sentItem({ kind: 'review' })]);
    const exported = JSON.parse((await exportOf(scene, { week: 'current' })).body);
    expect(lasting(exported)).toEqual(lasting(await scene.summary()));
  });

  test('in a format that is none is refused', async () => {
    for (const format of ['pptx', '', 'JSON']) {
      expect((await exportOf(await makeWeeklyScene(it), { format })).statusCode).toBe(400);
    }
  });
});

describe('The rows of an export', () => {
  test('are all of the week, oldest first and once each, over pages of equal times', async () => {
    const scene = await makeWeeklyScene(it, { timezone: 'Asia/Kathmandu' });
    const times = ['2024-12-16T10:00:00.001Z', '2024-12-17T10:00:00.001Z', '2024-12-17T10:00:00.002Z'];
    const items = Array.from({ length: 3_500 }, (_, n) =>
      sentItem({ external_id: `${n}`, occurred_at: times[n % 3] ?? '' }),
    );
    await scene.post(items);
    await scene.post([
      sentItem({ occurred_at: '2024-12-15T18:14:59.999Z' }),
      sentItem({ external_id: 'first', occurred_at: '2024-12-15T18:15:00Z' }),
      sentItem({ kind: 'review', external_id: 'waits', occurred_at: '2024-11-01T10:00:00Z' }),
      sentItem({ kind: 'review', occurred_at: '2024-11-01T10:00:00Z', resolved_at: '2024-12-17T10:00:00Z' }),
    ]);
    const rows = await readRows(scene, 'current');
    expect(rows.slice(0, 2).map(({ external_id }) => external_id)).toEqual(['waits', 'first']);
    const found = rows.slice(2).map(({ external_id }) => external_id);
    expect(new Set(found)).toEqual(new Set(items.map(({ external_id }) => external_id)));
    expect(found).toHaveLength(3_500);
    const sorted = rows.map(({ occurred_at }) => occurred_at);
    expect(sorted).toEqual([...sorted].sort());
  });

  test('of a past week hold the reviews that were open at its end', async () => {
    const scene = await makeWeeklyScene(it);
    await scene.post([
      sentItem({
        kind: 'review',
        external_id: 'a',
        occurred_at: '2024-11-01T10:00:00Z',
        resolved_at: '2024-12-16T00:00:00Z',
      }),
      sentItem({
        kind: 'review',
        external_id: 'b',
        occurred_at: '2024-11-01T10:00:00Z',
        resolved_at: '2024-12-15T23:59:59Z',
      }),
    ]);
    expect(await readRows(scene, 'last')).toMatchObject([
      { external_id: 'a', resolved_at: '2024-12-16T00:00:00.000Z' },
    ]);
  });

  test('are read back as the items that were posted, whatever their text', async () => {
    const text = fc
      .oneof(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
        fc.string({
          unit: fc.constantFrom('=', '+', '@', '"', "'", ',', '\r', '\n', '\t', ' ', 'é'),
          minLength: 1,
          maxLength: 20,
        }),
      )
      .filter((value) => !value.includes('\0') && value.isWellFormed());
    const items: fc.Arbitrary<Partial<SentItem>> = fc.record({
      title: text,
      author: text,
      category: text,
      status: text,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(items, { minLength: 1, maxLength: 40 }), async (some) => {
        const scene = await makeWeeklyScene(it);
        const sent = some.map((item, n) => sentItem({ ...item, external_id: `${n}` }));
        const posted = await scene.post(sent);
        expect(posted.statusCode, posted.body).toBe(200);
        const rows = await readRows(scene, 'current');
        const byId = new Map(rows.map((row) => [row.external_id, row]));
        for (const { external_id, title, author, category, status } of sent) {
          const row = byId.get(external_id ?? '') ?? {};
          const read = [row.title, row.author, row.category, row.status].map((cell = '') => cell);
          const wanted = [title, author, category, status].map((value = '') => value);
          for (const [index, cell] of read.entries()) expect([wanted[index], `'${wanted[index]}`]).toContain(cell);
          for (const cell of read) expect(cell).not.toMatch(/^\s*[=+\-@]/);
        }
      }),
      { numRuns: 10 },
    );
  });
});
