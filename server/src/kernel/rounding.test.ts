import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { percentAbove, percentOf, roundDecimal } from './rounding.ts';

/** A whole number and how many of its digits are decimals, as the text people would write. */
const decimals = fc.record({
  units: fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
  scale: fc.integer({ min: 0, max: 8 }),
});

function writeDecimal(units: bigint, scale: number): string {
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const at = digits.length - scale;
  return `${units < 0n ? '-' : ''}${digits.slice(0, at)}${scale > 0 ? `.${digits.slice(at)}` : ''}`;
}

/** Half away from zero, in whole numbers alone. */
function divideHalfUp(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  const rest = dividend % divisor;
  const isHalf = 2n * (rest < 0n ? -rest : rest) >= (divisor < 0n ? -divisor : divisor);
  if (!isHalf) return quotient;
  return dividend < 0n === divisor < 0n ? quotient + 1n : quotient - 1n;
}

describe('roundDecimal', () => {
  test.each([
    [28.75, 1, 28.8],
    [1.005, 2, 1.01],
    [2.5, 0, 3],
    [-2.5, 0, -3],
    [-0.04, 1, 0],
    [0.05, 1, 0.1],
    [1e21, 2, 1e21],
    [1.5e-7, 7, 2e-7],
    [123_456.5, -2, 123_500],
    [150, -2, 200],
    [8.345, 2, 8.35],
    [0, 3, 0],
  ])('rounds %d to %d decimals as %d', (value, digits, expected) => {
    expect(roundDecimal(value, digits)).toBe(expected);
  });

  test('gives no negative zero', () => {
    expect(Object.is(roundDecimal(-0.01, 1), 0)).toBe(true);
    expect(Object.is(roundDecimal(-0, 1), 0)).toBe(true);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('refuses %d', (value) => {
    expect(() => roundDecimal(value, 1)).toThrow(RangeError);
  });

  test('rounds any written decimal half away from zero', () => {
    fc.assert(
      fc.property(decimals, fc.integer({ min: 0, max: 6 }), ({ units, scale }, digits) => {
        const expected =
          scale <= digits
            ? writeDecimal(units, scale)
            : writeDecimal(divideHalfUp(units, 10n ** BigInt(scale - digits)), digits);
        expect(roundDecimal(Number(writeDecimal(units, scale)), digits)).toBe(Number(expected) + 0);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('percentOf', () => {
  test.each([
    [23, 80, 28.8],
    [1, 3, 33.3],
    [2, 3, 66.7],
    [0, 0, 0],
    [1, 2_000, 0.1],
    [1, 2_001, 0],
    [0.3, 0.1, 300],
    [-23, 80, -28.8],
  ])('%d of %d is %d %%', (part, whole, expected) => {
    expect(percentOf(part, whole)).toBe(expected);
  });

  test('is the exact quotient, rounded once', () => {
    const wholes = fc.bigInt({ min: 1n, max: 10n ** 15n });
    fc.assert(
      fc.property(wholes, wholes, fc.integer({ min: 0, max: 4 }), (part, whole, digits) => {
        const scaled = divideHalfUp(part * 100n * 10n ** BigInt(digits), whole);
        expect(percentOf(Number(part), Number(whole), digits)).toBe(Number(writeDecimal(scaled, digits)));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('percentAbove', () => {
  test('is exact where binary fractions are not', () => {
    expect(percentAbove(80, 103)).toBe(28.8);
    expect(percentAbove(0.1, 0.3)).toBe(200);
  });

  test('counts from the absolute value of the base, rounded once', () => {
    const values = fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n });
    fc.assert(
      fc.property(
        values.filter((base) => base !== 0n),
        values,
        (base, value) => {
          const size = base < 0n ? -base : base;
          const expected = writeDecimal(divideHalfUp((value - base) * 1_000n, size), 1);
          expect(percentAbove(Number(base), Number(value))).toBe(Number(expected) + 0);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
