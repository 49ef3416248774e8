import type { Figure, Series } from '@almanac/contract/report-content.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changeBetween } from '#kernel/change.ts';
import { roundDecimal } from '#kernel/rounding.ts';
import { hashContent } from './export-report.ts';
import { writeInsights } from './write-insights.ts';

const numbers = fc.double({ min: -1e9, max: 1e9, noNaN: true }).map((value) => roundDecimal(value, 6));
const units = fc.constantFrom(null, 'count', 'percentage', 'ms');

const figures: fc.Arbitrary<Figure> = fc.record({ value: numbers, previous: numbers, unit: units }).map((given) => {
  const { percent, reason } = changeBetween(given.previous, given.value);
  return {
    ...{ ...given, name: 'sales', label: 'Sales', direction: 'up', as_of: null, complete: true },
    ...{ change_percentage: percent, change_reason: reason ?? null },
  };
});

const makeSeries = (values: readonly (number | null)[], more: Partial<Series> = {}): Series => {
  const points = values.map((value, index) => ({
    ...{ at: `2024-12-${10 + index}`, value, partial: false, anomaly: false },
  }));
  const compared = values.filter((value) => value !== null).length;
  return { name: 's', label: 'Sales', unit: 'count', direction: 'up', step: 'day', compared, points, ...more };
};

const series = fc
  .record({ values: fc.array(fc.option(numbers), { maxLength: 12 }), isAnomaly: fc.boolean() })
  .map(({ values, isAnomaly }) => {
    const made = makeSeries(values);
    return { ...made, points: made.points.map((point) => ({ ...point, anomaly: isAnomaly })) };
  });

const at = (stored: unknown, pointer: string) =>
  pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((part, step) => (part as Record<string, unknown>)[step], stored);

describe('Sentences', () => {
  test('say no number that is not stored, and name the place of each', () => {
    fc.assert(
      fc.property(fc.array(figures, { maxLength: 4 }), fc.array(series, { maxLength: 2 }), (some, others) => {
        for (const { text, refs } of writeInsights(some, others)) {
          for (const { pointer, value } of refs) expect(at({ figures: some, series: others }, pointer)).toBe(value);
          const told = refs.flatMap(({ value }) =>
            typeof value === 'number' ? [roundDecimal(value, 2), Math.abs(value)].map(String) : [value],
          );
          const said = text.match(/\d{4}-\d\d-\d\d|-?\d+(\.\d+)?(e[+-]\d+)?/g) ?? [];
          expect(told).toEqual(expect.arrayContaining(said));
        }
      }),
    );
  });

  const kinds = (made: Series) => writeInsights([], [made]).map(({ kind, text }) => [kind, text]);

  test('tell of a record among five at least, and not of one that is only reached', () => {
    expect(kinds(makeSeries([1, 2, 3, 4]))).toEqual([]);
    expect(kinds(makeSeries([5, 2, 3, 4, 5]))).toEqual([]);
    expect(kinds(makeSeries([1, null, 2, 3, 4, 5]))).toEqual([
      ['record', 'Sales: 5 on 2024-12-15 is the highest of 5 days.'],
    ]);
    expect(kinds(makeSeries([5, 4, 3, 2, 1], { direction: 'down', step: 'week' }))).toEqual([
      ['record', 'Sales: 1 in the week of 2024-12-14 is the lowest of 5 weeks.'],
    ]);
  });

  test('leave out what is not over', () => {
    const running = makeSeries([1, 2, 3, 4, 5, 99]);
    const points = running.points.map((point, index) => (index === 5 ? { ...point, partial: true } : point));
    expect(kinds({ ...running, compared: 5, points })).toEqual([
      ['record', 'Sales: 5 on 2024-12-14 is the highest of 5 days.'],
    ]);
  });
});

test('the hash of a content does not depend on the order of its keys', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (content) => {
      const turned = Object.fromEntries(Object.entries(content).reverse());
      expect(hashContent(turned)).toBe(hashContent(content));
      expect(hashContent({ ...content, more: 1 })).not.toBe(hashContent({ ...content, more: 2 }));
    }),
  );
});
