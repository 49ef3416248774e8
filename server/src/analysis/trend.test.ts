import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findAnomalies, fitTheilSen, judgeTrend, median, testMannKendall } from './trend.ts';

const sampled = (values: readonly number[]) => values.map((y, x) => ({ x, y }));
const numbers = fc.double({ min: -1e6, max: 1e6, noNaN: true });

describe('The Theil-Sen line', () => {
  test('is a line that all samples lie on', () => {
    fc.assert(
      fc.property(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 }), (slope, intercept) => {
        const samples = [0, 1, 2, 5, 9].map((x) => ({ x, y: slope * x + intercept }));
        expect(fitTheilSen(samples)).toEqual({ slope, intercept });
      }),
    );
  });

  test('is not turned by a third of the samples', () => {
    const { slope } = fitTheilSen(sampled([0, 1, 2, 900, 4, 5, 6, -900, 8, 9]));
    expect(slope).toBeCloseTo(1, 1);
  });

  test('of one sample is level', () => {
    expect(fitTheilSen(sampled([7]))).toEqual({ slope: 0, intercept: 7 });
  });
});

describe('Mann-Kendall', () => {
  // Kendall's tables: the probability of a score at least as large, two-sided.
  test.each([
    [[1, 2, 3], 2 / 6],
    [[1, 2, 3, 4], 2 / 24],
    [[1, 2, 4, 3], 8 / 24],
    [[1, 2, 3, 4, 5], 2 / 120],
    [[5, 4, 3, 2, 1], 2 / 120],
    [[2, 1, 4, 3], 18 / 24],
  ])('of %j has the p of the tables', (values, p) => {
    expect(testMannKendall(sampled(values))).toBeCloseTo(p, 10);
  });

  test('of equal values is 1', () => {
    expect(testMannKendall(sampled([3, 3, 3, 3]))).toBe(1);
  });

  test('past ten samples is close to what counting gives, and within 0 and 1', () => {
    expect(testMannKendall(sampled([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]))).toBeLessThan(0.0001);
    fc.assert(
      fc.property(fc.array(numbers, { maxLength: 40 }), (values) => {
        const p = testMannKendall(sampled(values));
        expect(p >= 0 && p <= 1).toBe(true);
        expect(testMannKendall(sampled(values.map((y) => -y)))).toBeCloseTo(p, 10);
      }),
    );
  });
});

describe('A trend', () => {
  test.each([
    [[], 'insufficient_data'],
    [[1, 2], 'insufficient_data'],
    [[1, 2, 3], 'positive'],
    [[3, 2, 1], 'negative'],
    [[1, 3, 2], 'stable'],
    [[5, 5, 5, 5], 'stable'],
    [[0, 0, 0, 0, 0], 'stable'],
    [[100, 100.1, 100.2, 100.3, 100.4], 'stable'],
    [[100, 101, 102, 103, 104], 'positive'],
    [[10, 50, 12, 48, 11, 51], 'stable'],
    [[-10, -8, -6, -4], 'positive'],
  ] as const)('of %j is %s', (values, trend) => {
    expect(judgeTrend(sampled(values), 'up')).toBe(trend);
  });

  test('turns with what is better', () => {
    expect(judgeTrend(sampled([1, 2, 3, 4]), 'down')).toBe('negative');
    expect(judgeTrend(sampled([4, 3, 2, 1]), 'down')).toBe('positive');
  });

  test('rests on the distance of the samples, not on their number', () => {
    expect(
      judgeTrend(
        [
          { x: 0, y: 1 },
          { x: 5, y: 2 },
          { x: 50, y: 3 },
        ],
        'up',
      ),
    ).toBe('positive');
  });
});

describe('An anomaly', () => {
  const mark = (values: readonly number[]) => findAnomalies(sampled(values), fitTheilSen(sampled(values)));

  test('is a sample far off the line', () => {
    expect(mark([10, 11, 9, 10, 60, 10, 11])).toEqual([false, false, false, false, true, false, false]);
    expect(mark([10, 10, 10, 10, 10, 10, 11])).toEqual([false, false, false, false, false, false, true]);
  });

  test('is not a step along the line, nor one of few', () => {
    expect(mark([10, 20, 30, 40, 50, 60, 70])).not.toContain(true);
    expect(mark([10, 10, 99, 10, 10])).not.toContain(true);
  });
});

test('the median', () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([])]).toEqual([2, 2.5, Number.NaN]);
});
