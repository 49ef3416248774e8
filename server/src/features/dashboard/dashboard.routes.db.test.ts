import fc from 'fast-check';
import { type RootOperationNode, sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { percentOf } from '#kernel/rounding.ts';
import { createScopes } from '#platform/db/scopes.ts';
import { type AnalyticsScene, makeAnalyticsScene } from '#testing/analytics-scene.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { makeMember } from '#testing/make-feed-database.ts';
import { createDashboardService } from './dashboard.service.ts';

// A Monday, after the night in which clocks went forward in Berlin.
const start = new Date('2025-03-31T10:00:00Z');

let it: TestApp;
let scene: AnalyticsScene;
beforeAll(async () => {
  it = await makeTestApp({ now: start });
});
afterAll(() => it.close());
beforeEach(async () => {
  scene = await makeAnalyticsScene(it, { timezone: 'Europe/Berlin' });
});

const addAssessments = (rows: readonly { created_at: string; completed_at?: string | null; userId?: string }[]) =>
  scene.rows(sql`
    insert into assessments (organization_id, id, user_id, status, created_at, updated_at, completed_at)
    select ${scene.organization.id}, gen_random_uuid(), coalesce(user_id, ${scene.owner.userId}), 'draft', created_at,
      created_at, completed_at
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as x (user_id uuid, created_at timestamptz,
      completed_at timestamptz)`);

describe('GET /api/dashboard/summary', () => {
  test('is not found by whoever was removed a moment ago, by another process', async () => {
    const leaving = await scene.join();
    const read = async () => (await scene.ask({ url: '/api/dashboard/summary?period_days=3' }, leaving)).statusCode;
    expect((await scene.ask({ url: '/users/profile' }, leaving)).statusCode).toBe(200);
    await scene.rows(sql`delete from user_organizations where user_id = ${leaving.userId}
      and organization_id = ${scene.organization.id}`);
    expect(await read()).toBe(404);
  });

  test('answers the numbers of a period, compared with the one before, as of its newest input', async () => {
    const [a, b] = [await scene.join('member', new Date('2025-01-01T00:00:00Z')), await scene.join()];
    await scene.act([
      // The first moment of the day of 23 hours, and the last one before it.
      { activity_type: 'a', user_id: a.userId, created_at: '2025-03-29T23:00:00Z' },
      { activity_type: 'a', user_id: b.userId, created_at: '2025-03-29T22:59:59Z' },
      { activity_type: 'a', user_id: a.userId, created_at: '2025-03-30T21:59:59Z' },
      { activity_type: 'a', user_id: b.userId, created_at: '2025-03-30T22:00:00Z' },
    ]);
    await addAssessments([
      { created_at: '2025-03-29T23:00:00Z', completed_at: '2025-03-30T21:59:59Z' },
      { created_at: '2025-03-30T10:00:00Z', completed_at: '2025-03-30T22:00:00Z' },
      { created_at: '2025-03-30T12:00:00Z' },
    ]);
    const summary = await scene.summary({ period_start: '2025-03-30', period_end: '2025-03-30' });
    expect(summary).toEqual({
      organization_id: scene.organization.id,
      period_start: '2025-03-30',
      period_end: '2025-03-30',
      user_stats: {
        total_users: 1,
        active_users: 1,
        engagement_rate: 100,
        // Who joined later counts from the activity on that was brought in.
        previous: { total_users: 2, active_users: 1, engagement_rate: 50 },
        change_percentage: { total_users: -50, active_users: 0, engagement_rate: 100 },
        change_reason: {},
      },
      assessment_stats: {
        total_assessments: 3,
        completed_assessments: 1,
        completion_rate: 33.3,
        previous: { total_assessments: 0, completed_assessments: 0, completion_rate: 0 },
        change_percentage: { total_assessments: null, completed_assessments: null, completion_rate: null },
        change_reason: {
          total_assessments: 'previous_zero',
          completed_assessments: 'previous_zero',
          completion_rate: 'previous_zero',
        },
      },
      metrics: [],
      comparison: {
        basis: 'full_period',
        period_start: '2025-03-29',
        period_end: '2025-03-29',
        until: '2025-03-29T23:00:00.000Z',
      },
      as_of: '2025-03-30T21:59:59.000Z',
      complete: true,
      settled: true,
    });
  });

  test('compares the running period with the same elapsed part, and says what is new at once', async () => {
    const member = await scene.join('member', new Date('2025-01-01T00:00:00Z'));
    const before = await scene.summary();
    expect(before).toMatchObject({
      period_start: '2025-03-25',
      period_end: '2025-03-31',
      user_stats: { active_users: 0 },
      comparison: { basis: 'same_elapsed_part', until: '2025-03-24T11:00:00.000Z' },
      as_of: null,
      complete: false,
      settled: true,
    });
    await scene.act([
      { activity_type: 'a', user_id: member.userId, created_at: '2025-03-31T10:04:00Z' },
      { activity_type: 'a', user_id: scene.owner.userId, created_at: '2025-03-24T11:00:00Z' },
      { activity_type: 'a', user_id: member.userId, created_at: '2025-03-24T10:59:59Z' },
    ]);
    expect(await scene.summary()).toMatchObject({
      user_stats: { active_users: 1, previous: { active_users: 1 } },
      as_of: '2025-03-31T10:04:00.000Z',
    });
    const body = {
      status: 'completed',
      ocean_scores: { openness: 1, conscientiousness: 2, extraversion: 3, agreeableness: 4, neuroticism: 5 },
    };
    await scene.ask({ method: 'POST', url: '/api/assessments', body });
    expect((await scene.summary()).assessment_stats).toMatchObject({ total_assessments: 1, completion_rate: 100 });
    const point = {
      metric_type: 'sales',
      metric_name: 'orders',
      metric_value: 3,
      metric_unit: 'count',
      recorded_at: start.toISOString(),
    };
    await scene.ask({ method: 'POST', url: '/api/dashboard/metrics', body: point });
    expect((await scene.summary()).metrics).toEqual([
      {
        metric_type: 'sales',
        metric_name: 'orders',
        metric_unit: 'count',
        direction: 'up',
        aggregation: 'sum',
        value: 3,
        previous: null,
        change_percentage: null,
        change_reason: 'previous_missing',
      },
    ]);
  });

  test('of a period to come compares nothing', async () => {
    const summary = await scene.summary({ period_start: '2025-04-01', period_end: '2025-04-30' });
    expect(summary.user_stats.change_percentage).toEqual({
      total_users: null,
      active_users: null,
      engagement_rate: null,
    });
    expect(new Set(Object.values(summary.user_stats.change_reason))).toEqual(new Set(['period_incomplete']));
  });

  test.each([
    ['period_days=0', 'period_days'],
    ['period_days=367', 'period_days'],
    ['period_start=2025-01-01', 'period_end'],
    ['period_days=7&period_start=2025-01-01&period_end=2025-01-02', 'period_days'],
    ['period_start=2025-02-30&period_end=2025-03-01', 'period_start'],
    ['period_start=2025-03-02&period_end=2025-03-01', 'period_end'],
  ])('refuses %s, naming %s', async (query, field) => {
    const answer = await scene.ask({ url: `/api/dashboard/summary?${query}` });
    expect([answer.statusCode, answer.json().error.details.field]).toEqual([400, field]);
  });

  test('equals a recount of what is stored, whatever the period', async () => {
    const members = [scene.owner, await scene.join(), await scene.join(), await scene.join()];
    const moment = fc.integer({ min: -14 * 24 * 60, max: 4 }).map((minutes) => start.getTime() + minutes * 60_000);
    const drawn = fc.sample(fc.record({ member: fc.nat(3), at: moment, took: fc.integer({ min: -600, max: 6_000 }) }), {
      numRuns: 150,
      seed: 4,
    });
    await scene.act(
      drawn.map(({ member, at }) => ({
        activity_type: 'a',
        user_id: members[member]?.userId,
        created_at: new Date(at).toISOString(),
      })),
    );
    await addAssessments(
      drawn.map(({ at, took }) => ({
        created_at: new Date(at).toISOString(),
        completed_at: took < 0 ? null : new Date(at + took * 60_000).toISOString(),
      })),
    );
    const midnight = (day: Temporal.PlainDate) => day.toZonedDateTime('Europe/Berlin').epochMilliseconds;
    const first = Temporal.PlainDate.from('2025-03-17');
    const periods = fc.record({ from: fc.nat(13), days: fc.integer({ min: 1, max: 7 }) });
    await fc.assert(
      fc.asyncProperty(periods, async ({ from, days }) => {
        const period_start = first.add({ days: from });
        const period_end = period_start.add({ days: days - 1 });
        const [startMs, endMs] = [midnight(period_start), midnight(period_end.add({ days: 1 }))];
        const summary = await scene.summary({
          period_start: period_start.toString(),
          period_end: period_end.toString(),
        });
        const inside = drawn.filter(({ at }) => at >= startMs && at < endMs);
        const active = new Set(inside.map(({ member }) => member)).size;
        const everybody = endMs > start.getTime() ? members.length : active;
        const completed = inside.filter(({ at, took }) => took >= 0 && at + took * 60_000 < endMs).length;
        expect(summary.user_stats).toMatchObject({
          total_users: everybody,
          active_users: active,
          engagement_rate: percentOf(active, everybody),
        });
        expect(summary.assessment_stats).toMatchObject({
          total_assessments: inside.length,
          completed_assessments: completed,
          completion_rate: percentOf(completed, inside.length),
        });
      }),
      { numRuns: 25 },
    );
  });

  test('reads what 200 ask for at once but once, and answers 304 until something changes', async () => {
    const { platform } = it;
    const seen: string[] = [];
    const counted = platform.database.root.withPlugin({
      transformQuery: ({ node }: { node: RootOperationNode }) => {
        seen.push(node.kind);
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    const service = createDashboardService({
      scopes: createScopes({ database: { root: counted }, log: platform.log }),
      caches: platform.caches,
      readHeadlines: async () => ({ headlines: [], isSettled: true }),
      readSystemStatus: async () => 'healthy',
      now: platform.now,
    });
    const principal = makeMember({ organizationId: scene.organization.id, userId: scene.owner.userId });
    await service.getSummary(principal, { period_days: 1 });
    // The scope is opened, the calendar is held, and all is counted.
    const forOne = seen.length;
    expect(forOne).toBe(3);
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => service.getSummary(principal, { period_days: 2 })),
    );
    expect(seen.length).toBe(2 * forOne);
    expect(new Set(answers).size).toBe(1);
    expect(service.getSummary(principal, { period_days: 2 })).toBe(answers[0]);

    const ask = (etag = '') => scene.ask({ url: '/api/dashboard/summary', headers: { 'if-none-match': etag } });
    const etag = String((await ask()).headers.etag);
    expect((await ask(etag)).statusCode).toBe(304);
    await scene.act([{ id: newId(), activity_type: 'a' }]);
    expect((await ask(etag)).statusCode).toBe(200);
  });
});
