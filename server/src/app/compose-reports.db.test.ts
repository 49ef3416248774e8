import type { WholeReport } from '@almanac/contract/report-content.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { figuresOf, makeReportsScene, type ReportsScene } from '#testing/reports-scene.ts';

// The week before is 2024-W50, from the 9th to the 15th.
const start = new Date('2024-12-18T12:00:00Z');

let it: TestApp;
let scene: ReportsScene;
beforeAll(async () => {
  it = await makeTestApp({ now: start });
});
afterAll(() => it.close());
beforeEach(async () => {
  it.clock.now = start;
  scene = await makeReportsScene(it, { timezone: 'Europe/Berlin' });
});

/** Generates a report of the week of a template with these sections. */
async function report(sections: object[], period: object = {}): Promise<WholeReport> {
  const body = { name: 'Test', sections_config: { sections } };
  const template = await scene.send('POST', '/api/report-templates', body);
  expect(template.statusCode, template.body).toBe(201);
  const { id } = await scene.draft({ template_id: template.json().id, ...period });
  return scene.generate(id);
}

const read = async (url: string) => (await scene.send('GET', url)).json();
const pointAt = (recorded_at: string, metric_value: number, metric_name = 'orders') => ({
  ...{ metric_type: 'shop', metric_name, metric_value, metric_unit: 'count', recorded_at },
});
const measure = async (points: object[]) => {
  const answer = await scene.send('POST', '/api/dashboard/metrics', { points });
  expect(answer.statusCode, answer.body).toBe(202);
};
const valuesOf = ({ sections }: WholeReport, name: string) =>
  sections[0]?.numbers.series.find((series) => series.name === name)?.points.map(({ value }) => value);

describe('ocean_insights', () => {
  const complete = async (people: number, department: (index: number) => string) => {
    for (let index = 0; index < people; index += 1) {
      const member = await scene.join();
      const ocean_scores = {
        ...{ openness: 10 * (index + 1), conscientiousness: 1, extraversion: 1, agreeableness: 1, neuroticism: 1 },
      };
      const body = { status: 'completed', ocean_scores, department: department(index) };
      const answer = await scene.ask({ method: 'POST', url: '/api/assessments', body }, member);
      expect(answer.statusCode, answer.body).toBe(201);
    }
  };
  const sections = [{ type: 'ocean_insights', include_aggregations: true }];

  test('tells nothing of four people', async () => {
    it.clock.now = new Date('2024-12-12T10:00:00Z');
    await complete(4, () => 'Sales');
    it.clock.now = start;
    const [section] = (await report(sections)).sections;
    expect(section).toMatchObject({ status: 'empty', tables_data: [], insights: [] });
    expect(section?.content).toContain('fewer than 5 people');
    expect(section?.numbers.figures.map(({ value }) => value)).toEqual([null, null, null, null, null]);
  });

  test('averages five as of the end of the period, and withholds their small groups', async () => {
    it.clock.now = new Date('2024-12-12T10:00:00Z');
    await complete(5, (index) => (index < 3 ? 'Sales' : 'Support'));
    it.clock.now = new Date('2024-12-16T10:00:00Z');
    await complete(1, () => 'Sales');
    it.clock.now = start;
    const made = await report(sections);
    expect(figuresOf(made, 'ocean_insights').openness).toMatchObject({
      ...{ value: 30, unit: 'score', previous: null, change_reason: 'previous_missing' },
      as_of: '2024-12-12T10:00:00.000Z',
    });
    const departments = made.sections[0]?.tables_data.find(({ name }) => name === 'ocean_department');
    const nothing = [null, null, null, null, null, null];
    expect(departments?.rows).toEqual([
      ['Sales', ...nothing, 'yes'],
      ['Support', ...nothing, 'yes'],
    ]);
  });
});

describe('custom_metrics', () => {
  const metrics = [
    { metric_type: 'shop', metric_name: 'orders' },
    { metric_type: 'shop', metric_name: 'returns' },
  ];

  test('shows the numbers of the catalogue, by day, as the dashboard has them', async () => {
    await measure([
      pointAt('2024-12-03T10:00:00Z', 4),
      // The 9th in Berlin.
      pointAt('2024-12-08T23:30:00Z', 2),
      pointAt('2024-12-10T10:00:00Z', 5),
      pointAt('2024-12-10T11:00:00Z', 1),
      pointAt('2024-12-16T10:00:00Z', 99),
      pointAt('2024-12-10T10:00:00Z', 7, 'visits'),
    ]);
    const made = await report([{ type: 'custom_metrics', metrics }]);
    const summary = await scene.summary({ period_start: '2024-12-09', period_end: '2024-12-15' });
    const shown = summary.metrics.find(({ metric_name }) => metric_name === 'orders');
    expect(Object.keys(figuresOf(made, 'custom_metrics'))).toEqual(['shop/orders']);
    expect(figuresOf(made, 'custom_metrics')['shop/orders']).toMatchObject({
      ...{ value: shown?.value, previous: shown?.previous, change_percentage: shown?.change_percentage },
      ...{ unit: 'count', complete: true, as_of: '2024-12-10T11:00:00.000Z' },
    });
    expect(shown).toMatchObject({ value: 8, previous: 4, change_percentage: 100 });
    expect(valuesOf(made, 'shop/orders')).toEqual([2, 6, null, null, null, null, null]);
    expect(made.sections[0]?.content).toContain('shop/returns has never been measured.');
    expect(made.executive_summary).toContain('shop orders rose by 100 % to 8, from 4.');
  });

  test('compares a running period with the same part of the one before, and does not end its days', async () => {
    await measure([
      pointAt('2024-12-11T11:00:00Z', 3),
      // Later than it is now, a week ago.
      pointAt('2024-12-11T13:00:00Z', 50),
      pointAt('2024-12-18T10:00:00Z', 6),
    ]);
    const running = { report_period_start: '2024-12-16', report_period_end: '2024-12-22' };
    const made = await report([{ type: 'custom_metrics', metrics }], running);
    expect(figuresOf(made, 'custom_metrics')['shop/orders']).toMatchObject({
      ...{ value: 6, previous: 3, change_percentage: 100, complete: false },
    });
    const points = made.sections[0]?.numbers.series[0]?.points ?? [];
    expect(points.filter(({ partial }) => !partial).map(({ at }) => at)).toEqual(['2024-12-16', '2024-12-17']);
    expect(made.sections[0]?.insights.filter(({ kind }) => kind === 'record')).toEqual([]);
  });
});

describe('trends', () => {
  test('are those of the dashboard, up to the week of the report', async () => {
    const values = [3, 5, 4, 6, 90, 7];
    await measure(
      values.map((value, index) => {
        const day = Temporal.PlainDate.from('2024-11-13').add({ weeks: index });
        return pointAt(`${day}T10:00:00Z`, value);
      }),
    );
    const made = await report([{ type: 'trends', weeks: 5 }]);
    const { trend_data } = await read('/api/dashboard/trends?metric_type=shop&metric_name=orders&weeks=6');
    const shown = made.sections[0]?.numbers.series[0]?.points ?? [];
    expect(shown.map(({ at, value }) => [at, value])).toEqual(
      trend_data
        .slice(0, -1)
        .map(({ week_start, value }: { week_start: string; value: number }) => [week_start, value]),
    );
    expect(made.sections[0]?.insights.map(({ text }) => text)).toContain(
      'shop orders: 90 in the week of 2024-12-09 is the highest of 5 weeks.',
    );
    expect(made.sections[0]?.charts_data.map(({ name }) => name)).toEqual(['shop/orders']);
    const bare = await report([{ type: 'trends', weeks: 5, include_charts: false }]);
    expect(bare.sections[0]?.charts_data).toEqual([]);
  });

  test('of what was never measured are empty', async () => {
    const made = await report([{ type: 'trends', metric_type: 'nothing' }]);
    expect(made.sections[0]).toMatchObject({ status: 'empty', reason: 'There is nothing of this period.' });
    expect(made.complete).toBe(true);
  });
});

describe('weekly_activity', () => {
  test('is what the weekly dashboard says, without names and titles', async () => {
    const item = (kind: string, occurred_at: string) => ({
      ...{ kind, occurred_at, title: 'Secret plan', author: 'Ada Lovelace', category: 'Docs', impact: 'high' },
    });
    const items = [
      item('upload', '2024-12-03T10:00:00Z'),
      item('upload', '2024-12-09T10:00:00Z'),
      item('upload', '2024-12-10T10:00:00Z'),
      item('completion', '2024-12-15T22:30:00Z'),
      item('review', '2024-12-12T10:00:00Z'),
    ];
    expect((await scene.send('POST', '/api/weekly/items', { items })).statusCode).toBe(200);
    const made = await report([{ type: 'weekly_activity' }]);
    const { data } = await read('/api/weekly/stats?week=2024-W50');
    for (const [name, figure] of Object.entries(figuresOf(made, 'weekly_activity'))) {
      expect(figure).toMatchObject({
        ...{ value: data[name], previous: data.previous[name], change_percentage: data.change[name] },
        change_reason: data.change_reason[name] ?? null,
      });
    }
    const { data: days } = await read('/api/weekly/activity?week=2024-W50');
    expect(valuesOf(made, 'newUploads_by_day')).toEqual(days.map(({ uploads }: { uploads: number }) => uploads));
    expect(valuesOf(made, 'completedTasks_by_day')).toEqual([0, 0, 0, 0, 0, 0, 1]);
    expect(JSON.stringify(made)).not.toMatch(/Lovelace|Secret/);
  });
});

describe('activity', () => {
  test('counts the active members as the dashboard does, and each day', async () => {
    const event = (created_at: string) => ({ activity_type: 'login', created_at });
    await scene.act([event('2024-12-03T10:00:00Z'), event('2024-12-09T08:00:00Z'), event('2024-12-09T09:00:00Z')]);
    const made = await report([{ type: 'activity' }]);
    const { user_stats } = await scene.summary({ period_start: '2024-12-09', period_end: '2024-12-15' });
    expect(figuresOf(made, 'activity')).toMatchObject({
      active_users: { value: user_stats.active_users, previous: user_stats.previous.active_users },
      events: { value: 2, previous: 1, change_percentage: 100, complete: true },
    });
    expect(valuesOf(made, 'events_by_day')).toEqual([2, 0, 0, 0, 0, 0, 0]);
    expect(valuesOf(made, 'active_users_by_day')).toEqual([1, 0, 0, 0, 0, 0, 0]);
  });
});

describe('tenant_kpis', () => {
  test('is what was measured of all businesses', async () => {
    for (const views of [3, 4]) {
      const member = await scene.join();
      const made = await scene.ask({ method: 'POST', url: '/api/businesses', body: { name: 'Lofts' } }, member);
      const url = `/api/businesses/${made.json().data.id}/metrics`;
      const added = await scene.ask({ method: 'POST', url, body: { views, day: '2024-12-10' } }, member);
      expect(added.statusCode, added.body).toBe(200);
    }
    const made = await report([{ type: 'tenant_kpis' }]);
    expect(figuresOf(made, 'tenant_kpis')['tenant/views']).toMatchObject({ value: 7, unit: 'count' });
    expect(valuesOf(made, 'tenant/views')).toEqual([null, 7, null, null, null, null, null]);
  });
});

test('a text is shown as it was written', async () => {
  const made = await report([{ type: 'text', title: 'Preface', markdown: '# Hello\n\nWorld' }]);
  expect(made.sections).toMatchObject([{ section_title: 'Preface', content: '# Hello\n\nWorld', status: 'ok' }]);
});
