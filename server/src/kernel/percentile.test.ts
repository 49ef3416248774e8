import fc from 'fast-check';
import { expect, test } from 'vitest';
import { estimatePercentile } from './percentile.ts';

const bounds = [10, 20, 40];

test.each([
  ['nothing', [0, 0, 0, 0], 0.5, null],
  ['the middle of the only bucket', [10, 0, 0, 0], 0.5, 5],
  ['the upper end of a bucket', [10, 0, 0, 0], 1, 10],
  ['a bucket after an empty one', [0, 0, 8, 0], 0.5, 30],
  ['where two buckets meet', [5, 5, 0, 0], 0.5, 10],
  ['past the last bound, of which only that is known', [1, 0, 0, 99], 0.99, 40],
])('finds %s', (...[_what, histogram, part, expected]) => {
  expect(estimatePercentile(histogram, bounds, part)).toBe(expected);
});

test('grows with the part and stays within the bounds', () => {
  const counts = fc.array(fc.nat({ max: 1_000 }), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(
      counts,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (histogram, one, other) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)].map((part) =>
          estimatePercentile(histogram, bounds, part),
        );
        if (low === null || low === undefined || high === null || high === undefined) return;
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(40);
        expect(high).toBeGreaterThanOrEqual(low);
      },
    ),
  );
});
