import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MetricsScene, point } from '#testing/metrics-scene.ts';

let scene: MetricsScene;
beforeAll(async () => {
  scene = await MetricsScene.open();
});
beforeEach(() => scene.begin());
afterAll(() => scene.it.close());

describe('Trends', () => {
  const trend = (query: object) => scene.get(query, '/api/dashboard/trends');
  const weekly = (values: readonly (number | undefined)[]) => {
    const points = values.flatMap((metric_value, index) => {
      const day = Temporal.PlainDate.from('2024-12-18').subtract({ weeks: values.length - 1 - index });
      return metric_value === undefined ? [] : [point({ metric_value, recorded_at: `${day}T09:00:00Z` })];
    });
    return scene.post({ points });
  };

  test('are by week, the running one apart', async () => {
    await weekly([80, 100, undefined, 50, 60]);
    const { trend_data, ...rest } = await trend({ metric_type: 'checkout', weeks: 5 });
    expect(trend_data).toEqual([
      {
        week_start: '2024-11-18',
        value: 80,
        change_percentage: null,
        change_reason: 'previous_missing',
        anomaly: false,
      },
      { week_start: '2024-11-25', value: 100, change_percentage: 25, anomaly: false },
      {
        week_start: '2024-12-02',
        value: null,
        change_percentage: null,
        change_reason: 'value_missing',
        anomaly: false,
      },
      {
        week_start: '2024-12-09',
        value: 50,
        change_percentage: null,
        change_reason: 'previous_missing',
        anomaly: false,
      },
      {
        week_start: '2024-12-16',
        value: 60,
        change_percentage: null,
        change_reason: 'period_incomplete',
        partial: true,
        anomaly: false,
      },
    ]);
    expect(rest).toMatchObject({ metric_name: 'latency', complete: false, as_of: '2024-12-18T09:00:00.000Z' });
  });

  test.each([
    [[1, 2], 'insufficient_data'],
    [[1, 2, 3, 0], 'positive'],
    [[5, 4, 3, 2, 1, 100], 'negative'],
    [[5, 5, 5, 5, 5], 'stable'],
  ])('of %j are judged without the running week', async (values, judged) => {
    await weekly(values);
    expect((await trend({ metric_type: 'checkout', metric_name: 'latency' })).overall_trend).toBe(judged);
  });

  test('of last values take one of each series: counts are added up, others averaged', async () => {
    const stock = (metric_unit: string, metric_name: string) =>
      ['a', 'b'].map((dimension_1, index) =>
        point({
          metric_name,
          metric_unit,
          dimension_1,
          metric_value: index ? 5 : 100,
          recorded_at: `2024-12-18T09:0${index}:00Z`,
        }),
      );
    await scene.post({ points: [...stock('count', 'boxes'), ...stock('%', 'full')] });
    const read = async (metric_name: string) => {
      const body = { aggregation: 'last' };
      const url = `/api/dashboard/catalog/checkout/${metric_name}`;
      await scene.it.app.inject({ method: 'PUT', url, headers: scene.member.headers, body });
      return (await trend({ metric_type: 'checkout', metric_name, weeks: 1 })).trend_data[0].value;
    };
    expect([await read('boxes'), await read('full')]).toEqual([105, 52.5]);
  });

  test('of an unknown metric are not there, and new points show at once', async () => {
    expect((await trend({ metric_type: 'none' })).error.code).toBe('NOT_FOUND');
    await scene.post(point({ metric_value: 1 }));
    expect((await trend({ metric_type: 'checkout', weeks: 1 })).trend_data[0].value).toBe(1);
    await scene.post(point({ metric_value: 3 }));
    expect((await trend({ metric_type: 'checkout', weeks: 1 })).trend_data[0].value).toBe(2);
  });
});
