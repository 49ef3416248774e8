import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { makeWeeklyScene, type SentItem, sentItem, type WeeklyScene } from '#testing/weekly-scene.ts';

let it: TestApp;
let scene: WeeklyScene;
beforeAll(async () => {
  it = await makeTestApp();
  scene = await makeWeeklyScene(it);
});
afterAll(() => it.close());

const counts = (inserted: number, updated = 0, unchanged = 0) => ({
  success: true,
  data: { inserted, updated, unchanged },
});

describe('Posting an item', () => {
  test('shows it on the next read, everywhere', async () => {
    const own = await makeWeeklyScene(it);
    expect((await own.summary()).stats.updates).toBe(0);
    expect((await own.post([sentItem({ category: 'Docs', impact: 'high' })])).json()).toEqual(counts(1));
    const { stats, updates, highlights, counts: shown, as_of } = await own.summary();
    expect(stats).toMatchObject({ updates: 1, contributors: 1, pendingReviews: 0 });
    expect(updates).toMatchObject([
      { title: 'A change', author: 'Ada', category: 'Docs', impact: 'high', status: 'done' },
    ]);
    expect(shown.updates).toEqual({ shown: 1, total: 1 });
    expect(highlights).toEqual(['A change (Ada, high impact)']);
    expect(as_of).toBe(it.clock.now.toISOString());
    expect((await own.stats()).updates).toBe(1);
    expect((await own.activity())[1]).toMatchObject({ day: 'Tue', date: '2024-12-17', updates: 1 });
  });

  test('fills in what is left out, and keeps any text to the letter', async () => {
    const own = await makeWeeklyScene(it);
    const title = ` 'Ünïcode' "𝒯" \u202e\u0007 👩‍👩‍👧 ; drop table x -- \\ \n`;
    await own.post([sentItem({ kind: 'review', title }), sentItem({ title, url: 'https://example.org/a?b=c#d' })]);
    const { pending, updates } = await own.summary();
    expect(pending).toMatchObject([{ title, status: 'pending', category: 'General', impact: 'medium', url: null }]);
    expect(updates).toMatchObject([{ title, status: 'done', url: 'https://example.org/a?b=c#d' }]);
  });

  test.each([
    ['2024-12-17T10:00:00+05:30', '2024-12-17T04:30:00.000Z'],
    ['2024-12-17t10:00:00z', '2024-12-17T10:00:00.000Z'],
    ['2024-12-17T10:00:00.123456789Z', '2024-12-17T10:00:00.123Z'],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59.000Z'],
  ])('at %s, happened at %s', async (occurred_at, expected) => {
    const own = await makeWeeklyScene(it);
    expect((await own.post([sentItem({ occurred_at })])).statusCode).toBe(200);
    expect((await own.summary(expected.slice(0, 10))).updates[0]?.occurred_at).toBe(expected);
  });
});

describe('A wrong item', () => {
  const long = (length: number) => 'x'.repeat(length);
  test.each<[string, unknown, string, string | undefined]>([
    ['an unknown kind', sentItem({ kind: 'party' as SentItem['kind'] }), 'items[1].kind', 'party'],
    ['no kind', { ...sentItem(), kind: undefined }, 'items[1].kind', undefined],
    ['an unknown field', { ...sentItem(), colour: 'red' }, 'items[1].colour', undefined],
    ['an empty title', sentItem({ title: '' }), 'items[1].title', undefined],
    ['a title that is a number', { ...sentItem(), title: 7 }, 'items[1].title', '7'],
    ['a huge title', sentItem({ title: long(501) }), 'items[1].title', undefined],
    ['a huge author', sentItem({ author: long(201) }), 'items[1].author', undefined],
    ['a huge category', sentItem({ category: long(101) }), 'items[1].category', undefined],
    ['an unknown impact', { ...sentItem(), impact: 'huge' }, 'items[1].impact', 'huge'],
    ['an address with a script', sentItem({ url: 'javascript:alert(1)' }), 'items[1].url', 'javascript:alert(1)'],
    ['an empty external id', sentItem({ external_id: '' }), 'items[1].external_id', undefined],
    ['no time', sentItem({ occurred_at: 'yesterday' }), 'items[1].occurred_at', 'yesterday'],
    ['a day alone', sentItem({ occurred_at: '2024-12-17' }), 'items[1].occurred_at', '2024-12-17'],
    ['a time without a zone', sentItem({ occurred_at: '2024-12-17T10:00:00' }), 'items[1].occurred_at', '2024-12-17T10:00:00'],
    ['a day that never was', sentItem({ occurred_at: '2023-02-29T10:00:00Z' }), 'items[1].occurred_at', '2023-02-29'],
    ['a time to come', sentItem({ occurred_at: '2024-12-18T12:06:00Z' }), 'items[1].occurred_at', '2024-12-18T12:06'],
    ['a time before 1970', sentItem({ occurred_at: '1969-12-31T23:00:00Z' }), 'items[1].occurred_at', '1969-12-31'],
    ['an update that is resolved', sentItem({ resolved_at: '2024-12-17T11:00:00Z' }), 'items[1].resolved_at', 'update'],
    ['a review resolved before it began', sentItem({ kind: 'review', resolved_at: '2024-12-17T09:00:00Z' }), 'items[1].resolved_at', '2024-12-17T09:00'],
    ['U+0000', sentItem({ title: 'a\u0000b' }), 'items[1].title', undefined],
    ['half a surrogate pair', sentItem({ author: 'a\ud83d' }), 'items[1].author', undefined],
    ['a list instead of an item', [], 'items[1]', undefined],
    ['null instead of an item', null, 'items[1]', undefined],
  ])('with %s is named with its index, and nothing is written', async (...[, item, field, value]) => {
    const answer = await scene.post([sentItem(), item, sentItem()]);
    expect(answer.statusCode).toBe(400);
    const { success, error, code } = answer.json<{ success: boolean; error: string; code: string }>();
    expect({ success, code }).toEqual({ success: false, code: 'VALIDATION_ERROR' });
    expect(error).toContain(field);
    if (value !== undefined) expect(error).toContain(value);
    expect((await scene.summary()).stats.updates).toBe(0);
  }); // biome-ignore format: the table reads better in lines

  test.each<[string, unknown]>([
    ['no items', {}],
    ['an empty list', { items: [] }],
    ['a list of 5,001', { items: Array.from({ length: 5_001 }, () => sentItem()) }],
    ['a list alone', [sentItem()]],
    ['no body', undefined],
    ['an unknown field', { items: [sentItem()], more: 1 }],
  ])('a call with %s is refused', async (_name, body) => {
    const request = { method: 'POST', url: '/api/weekly/items' } as const;
    const answer = await scene.request(body === undefined ? request : { ...request, body: body as object });
    expect(answer.statusCode).toBe(400);
    expect((await scene.summary()).stats.updates).toBe(0);
  });
});

describe('An external id', () => {
  test('makes posting again harmless, and a change an update', async () => {
    const own = await makeWeeklyScene(it);
    const items = [sentItem({ external_id: 'a' }), sentItem({ external_id: 'b' }), sentItem()];
    expect((await own.post(items)).json()).toEqual(counts(3));
    const { version } = await own.summary();
    expect((await own.post(items.slice(0, 2))).json()).toEqual(counts(0, 0, 2));
    expect((await own.summary()).version).toBe(version);
    const changed = sentItem({ external_id: 'b', title: 'Changed', kind: 'decision' });
    expect((await own.post([items[0], changed])).json()).toEqual(counts(0, 1, 1));
    const { stats, decisions } = await own.summary();
    expect(stats).toMatchObject({ updates: 2, decisions: 1 });
    expect(decisions).toMatchObject([{ title: 'Changed' }]);
  });

  test('twice in a call counts once where the items are the same, and is refused where they are not', async () => {
    const own = await makeWeeklyScene(it);
    const item = sentItem({ external_id: 'a' });
    expect((await own.post([item, item])).json()).toEqual(counts(1, 0, 1));
    const answer = await own.post([sentItem({ external_id: 'b' }), sentItem({ external_id: 'b', title: 'B' })]);
    expect(answer.statusCode).toBe(400);
    expect(answer.body).toContain('items[1].external_id');
    expect((await own.summary()).stats.updates).toBe(1);
  });

  test('that moves an item to another week changes both', async () => {
    const own = await makeWeeklyScene(it);
    await own.post([sentItem({ external_id: 'a' })]);
    const before = await own.summary();
    await own.post([sentItem({ external_id: 'a', occurred_at: '2024-12-03T10:00:00Z' })]);
    const after = await own.summary();
    expect([before.stats.updates, after.stats.updates]).toEqual([1, 0]);
    expect(after.version).toBeGreaterThan(before.version);
    expect((await own.summary('two_weeks_ago')).stats.updates).toBe(1);
    await own.post([sentItem({ external_id: 'a', occurred_at: '2023-12-05T10:00:00Z' })]);
    expect((await own.summary('two_weeks_ago')).stats.updates).toBe(0);
    expect((await own.summary('2023-12-05')).stats.updates).toBe(1);
  });
});

describe('An Idempotency-Key', () => {
  test('gives the first answer again to the same body, and refuses another', async () => {
    const own = await makeWeeklyScene(it);
    const key = { 'idempotency-key': 'key-1' };
    const first = await own.post([sentItem()], key);
    expect([first.json(), first.headers['idempotency-replayed']]).toEqual([counts(1), undefined]);
    const second = await own.post([sentItem()], key);
    expect([second.json(), second.headers['idempotency-replayed']]).toEqual([counts(1), 'true']);
    expect((await own.post([sentItem({ title: 'B' })], key)).statusCode).toBe(422);
    expect((await own.stats()).updates).toBe(1);
  });

  test('is not spent by a call that is refused', async () => {
    const own = await makeWeeklyScene(it);
    const key = { 'idempotency-key': 'key-1' };
    expect((await own.post([sentItem({ title: '' })], key)).statusCode).toBe(400);
    expect((await own.post([sentItem()], key)).json()).toEqual(counts(1));
  });
});

test('5,000 items are taken in one call, and again without a change', async () => {
  const own = await makeWeeklyScene(it);
  const items = Array.from({ length: 5_000 }, (_, n) =>
    sentItem({ external_id: `x-${n}`, author: `Author ${n % 40}` }),
  );
  expect((await own.post(items)).json()).toEqual(counts(5_000));
  expect((await own.post(items)).json()).toEqual(counts(0, 0, 5_000));
  const { stats, counts: shown } = await own.summary();
  expect(stats).toMatchObject({ updates: 5_000, contributors: 40 });
  expect(shown.updates).toEqual({ shown: 50, total: 5_000 });
});
