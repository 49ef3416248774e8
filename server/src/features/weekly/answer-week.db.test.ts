import { sql } from 'kysely';
import { beforeEach, describe, expect, test } from 'vitest';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { lasting, makeWeeklyScene, sentItem } from '#testing/weekly-scene.ts';

const start = new Date('2024-12-18T12:00:00Z');
let it: TestApp;
// One for each test, because time only moves on.
beforeEach(async () => {
  it = await makeTestApp();
  return () => it.close();
});

const dayMs = 86_400_000;

describe('When the week turns', () => {
  test.each([
    ['Europe/Berlin', 1, '2024-12-23T00:00:00+01:00'],
    ['Pacific/Kiritimati', 1, '2024-12-23T00:00:00+14:00'],
    ['Pacific/Pago_Pago', 7, '2024-12-22T00:00:00-11:00'],
  ])(
    'in %s with first day %d, no answer of the old one is served for current',
    async (timezone, firstDayOfWeek, turn) => {
      const turnMs = Date.parse(turn);
      it.clock.now = new Date(turnMs - 1);
      const scene = await makeWeeklyScene(it, { timezone, firstDayOfWeek });
      await scene.post([sentItem({ occurred_at: new Date(turnMs - 1_800_000).toISOString() })]);
      const before = await scene.summary();
      expect(before).toMatchObject({ stats: { updates: 1 }, week: { complete: false, elapsed_fraction: 0.9999 } });
      expect((await scene.activity()).at(-1)?.updates).toBe(1);
      expect((await scene.stats()).comparison.basis).toBe('same_elapsed_part');

      it.clock.now = new Date(turnMs);
      const now = await scene.summary();
      expect(now).toMatchObject({
        stats: { updates: 0 },
        week: { start: new Date(turnMs).toISOString(), elapsed_fraction: 0 },
      });
      const last = await scene.summary('last');
      expect(last).toMatchObject({
        stats: { updates: 1 },
        week: { id: before.week.id, complete: true, elapsed_fraction: 1 },
      });
      expect(lasting({ ...last, week: { ...last.week, complete: false } })).toEqual(lasting(before));
      expect((await scene.stats()).previous.updates).toBe(0);
      expect((await scene.stats('last')).comparison.basis).toBe('full_week');
      expect((await scene.activity('last')).at(-1)?.updates).toBe(1);

      it.clock.now = new Date(turnMs + 7 * dayMs);
      expect((await scene.summary('two_weeks_ago')).week.id).toBe(before.week.id);
      expect((await scene.summary('last')).stats.updates).toBe(0);
    },
  );

  test('the words of weekly_data follow the database clock, with no job in between', async () => {
    const scene = await makeWeeklyScene(it, { timezone: 'Pacific/Kiritimati' });
    const readTypes = () =>
      scene.within(async ({ db }) => {
        const { rows } = await sql<{ week_type: string; week_start_date: string }>`
          select week_type, week_start_date from weekly_data order by week_start_date`.execute(db);
        return rows.map(({ week_type }) => week_type);
      });
    it.clock.now = new Date();
    for (const days of [0, 7, 14, 21]) {
      const at = new Date(it.clock.now.getTime() - days * dayMs).toISOString();
      await scene.post([sentItem({ occurred_at: at })]);
    }
    for (const week of ['current', 'last', 'two_weeks_ago']) await scene.summary(week);
    await scene.summary(new Date(it.clock.now.getTime() - 21 * dayMs + 50_400_000).toISOString().slice(0, 10));
    expect(await readTypes()).toEqual(['past', 'two_weeks_ago', 'last', 'current']);
    await scene.within(async ({ db }) => {
      for (const table of ['weekly_snapshots', 'activity_weeks']) {
        await sql`update ${sql.table(table)} set week_start_date = week_start_date - 70`.execute(db);
        await sql`update ${sql.table(table)} set week_start_date = week_start_date + 63`.execute(db);
      }
    });
    expect(await readTypes()).toEqual(['past', 'past', 'two_weeks_ago', 'last']);
  });
});

describe('A closed week', () => {
  test('does not drift, whatever comes later', async () => {
    const scene = await makeWeeklyScene(it);
    await scene.post([
      sentItem({ impact: 'high' }),
      sentItem({ kind: 'review', external_id: 'open' }),
      sentItem({ kind: 'decision', occurred_at: '2024-12-10T10:00:00Z' }),
    ]);
    it.clock.now = new Date('2024-12-23T00:00:00Z');
    const closed = lasting(await scene.summary('last'));
    const stats = await scene.stats('last');
    it.clock.now = new Date('2025-01-20T09:00:00Z');
    await scene.post([
      sentItem({ occurred_at: '2025-01-07T10:00:00Z' }),
      sentItem({ kind: 'review', external_id: 'open', resolved_at: '2025-01-14T10:00:00Z', status: 'approved' }),
      sentItem({ kind: 'review', occurred_at: '2025-01-07T10:00:00Z' }),
    ]);
    expect(lasting(await scene.summary('2024-W51'))).toEqual(closed);
    expect(await scene.stats('2024-W51')).toEqual(stats);
    expect((await scene.pending('2024-W51')).map(({ status, waitingHours }) => [status, waitingHours])).toEqual([
      ['pending', 134],
    ]);
  });

  test('refreshed twice with the same data gives the same bytes but for what tells of the time', async () => {
    const scene = await makeWeeklyScene(it);
    await scene.post([sentItem(), sentItem({ author: 'Ben', category: 'Docs' })]);
    const refresh = async () => {
      const answer = await scene.request({ method: 'POST', url: '/api/weekly/refresh', body: { week: 'current' } });
      return answer.body.replace(/"(generated|as_of|version|elapsed_fraction)":("[^"]*"|[\d.]+)/g, '');
    };
    const first = await refresh();
    it.clock.now = new Date(start.getTime() + 3_600_000);
    expect(await refresh()).toBe(first);
  });
});

describe('The comparison of the running week', () => {
  test('is with the same elapsed local part of the one before, across a change of clocks, and says so', async () => {
    it.clock.now = new Date('2024-10-30T12:00:00+01:00');
    const scene = await makeWeeklyScene(it, { timezone: 'Europe/Berlin' });
    await scene.post([
      sentItem({ occurred_at: '2024-10-29T10:00:00Z' }),
      sentItem({ occurred_at: '2024-10-23T11:59:59+02:00', author: 'Ben' }),
      sentItem({ occurred_at: '2024-10-23T12:00:00+02:00', author: 'Chloé' }),
      sentItem({ kind: 'review', occurred_at: '2024-10-22T10:00:00Z', resolved_at: '2024-10-23T09:59:59Z' }),
      sentItem({ kind: 'review', occurred_at: '2024-10-22T10:00:00Z', resolved_at: '2024-10-23T10:00:00Z' }),
    ]);
    expect(await scene.stats()).toMatchObject({
      updates: 1,
      pendingReviews: 0,
      previous: { updates: 1, contributors: 2, pendingReviews: 1 },
      change: { updates: 0, contributors: -50, pendingReviews: -100 },
      comparison: { basis: 'same_elapsed_part', week: '2024-W43', until: '2024-10-23T10:00:00.000Z' },
    });
    expect(await scene.stats('last')).toMatchObject({
      updates: 2,
      change: { updates: null },
      change_reason: { updates: 'previous_zero' },
      comparison: { basis: 'full_week', week: '2024-W42', until: '2024-10-20T22:00:00.000Z' },
    });
  });

  test('of a week to come is none, and says why', async () => {
    const scene = await makeWeeklyScene(it);
    const { change, change_reason } = await scene.stats('2025-W10');
    expect([change.updates, change_reason.updates]).toEqual([null, 'period_incomplete']);
  });
});

describe('An ETag', () => {
  test('answers 304 while nothing changed, and is another one for each organization and address', async () => {
    const [one, other] = [await makeWeeklyScene(it), await makeWeeklyScene(it)];
    for (const path of ['summary', 'stats', 'activity']) {
      const etag = String((await one.request({ url: `/api/weekly/${path}` })).headers.etag);
      expect(etag).toMatch(/^W\/"[\x21\x23-\x7e]+"$/);
      const ask = (scene: typeof one) =>
        scene.request({ url: `/api/weekly/${path}`, headers: { 'if-none-match': `"x", ${etag}` } });
      expect((await ask(one)).statusCode).toBe(304);
      expect((await ask(other)).statusCode).toBe(200);
      await one.post([sentItem()]);
      expect((await ask(one)).statusCode).toBe(200);
    }
  });

  test('changes as the running week goes on, because its elapsed fraction does', async () => {
    const scene = await makeWeeklyScene(it);
    const before = await scene.request({ url: '/api/weekly/summary' });
    it.clock.now = new Date(start.getTime() + 120_000);
    const after = await scene.request({
      url: '/api/weekly/summary',
      headers: { 'if-none-match': String(before.headers.etag) },
    });
    expect([after.statusCode, after.json().data.week.elapsed_fraction]).toEqual([200, 0.3573]);
  });
});
