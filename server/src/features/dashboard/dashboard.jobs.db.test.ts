import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type AnalyticsScene, makeAnalyticsScene } from '#testing/analytics-scene.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';

const start = new Date('2025-03-31T10:00:00Z');
const hourMs = 3_600_000;

let it: TestApp;
let scene: AnalyticsScene;
beforeAll(async () => {
  it = await makeTestApp({ now: start, runsJobs: true });
});
afterAll(() => it.close());
beforeEach(async () => {
  scene = await makeAnalyticsScene(it, { timezone: 'Europe/Berlin' });
});

describe('calculate_all_metrics', () => {
  const run = async () => {
    await it.platform.jobs.runNow('calculate_all_metrics', scene.organization.id);
    await it.platform.jobs.whenIdle();
  };
  const points = async (metric_type?: string) => {
    const answer = await scene.ask({
      url: `/api/dashboard/metrics${metric_type ? `?metric_type=${metric_type}` : ''}`,
    });
    return answer.json().data as {
      metric_name: string;
      metric_value: number;
      recorded_at: string;
      metric_unit: string;
    }[];
  };

  test('writes what the summary shows, once for each quarter of a UTC day, however often it runs', async () => {
    await scene.join('member', new Date('2025-01-01T00:00:00Z'));
    await scene.join('viewer', new Date('2025-01-01T00:00:00Z'));
    await scene.act([{ activity_type: 'a' }]);
    await scene.ask({ method: 'POST', url: '/api/assessments', body: {} });
    await run();
    const first = await points();
    expect(Object.fromEntries(first.map(({ metric_name, metric_value }) => [metric_name, metric_value]))).toEqual({
      engagement_rate: 33.3,
      active_users: 1,
      total_users: 3,
      completion_rate: 0,
      total_assessments: 1,
      completed_assessments: 0,
    });
    expect(new Set(first.map(({ recorded_at }) => recorded_at))).toEqual(new Set(['2025-03-31T06:00:00.000Z']));
    await scene.act([{ activity_type: 'a', user_id: scene.owner.userId }]);
    await run();
    expect(await points()).toEqual(first);
    expect((await scene.summary()).metrics.map(({ metric_name }) => metric_name)).toContain('engagement_rate');
  });

  test('writes nothing of who was active while that is being counted anew', async () => {
    await scene.act([{ activity_type: 'a' }]);
    await it.platform.jobs.configure('recount_active_days', { isPaused: true });
    const url = `/api/organizations/${scene.organization.id}`;
    await scene.ask({ method: 'PUT', url, body: { timezone: 'Asia/Kolkata' } });
    await run();
    expect(await points('user_engagement')).toEqual([]);
    expect(await points('assessment_completion')).toHaveLength(3);
    await it.platform.jobs.configure('recount_active_days', { isPaused: false });
    await it.platform.jobs.recover();
    await it.platform.jobs.whenIdle();
    await run();
    expect(await points('user_engagement')).toHaveLength(3);
  });

  test('averages the scores of five people at least', async () => {
    const people = [scene.owner, ...(await Promise.all([1, 2, 3, 4].map(() => scene.join())))];
    const complete = async (index: number) => {
      const ocean_scores = {
        openness: 10 * index,
        conscientiousness: 1,
        extraversion: 1,
        agreeableness: 1,
        neuroticism: 0.1 * index,
      };
      await scene.ask(
        { method: 'POST', url: '/api/assessments', body: { status: 'completed', ocean_scores } },
        people[index],
      );
    };
    for (const index of [0, 1, 2, 3]) await complete(index);
    await run();
    expect(await points('ocean_scores')).toEqual([]);
    await complete(4);
    it.clock.now = new Date(start.getTime() + 2 * hourMs);
    await run();
    const found = await points('ocean_scores');
    expect(found.map(({ metric_name, metric_value }) => [metric_name, metric_value]).sort()).toEqual([
      ['agreeableness', 1],
      ['conscientiousness', 1],
      ['extraversion', 1],
      ['neuroticism', 0.2],
      ['openness', 20],
    ]);
    expect(found[0]).toMatchObject({ recorded_at: '2025-03-31T12:00:00.000Z', metric_unit: 'score' });
  });
});
