/** A number as the whole number `digits` times a power of ten, exactly as it is written. */
interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

/** Reads the shortest decimal that stands for a number, the one that people see. */
function toDecimal(value: number): Decimal {
  if (!Number.isFinite(value)) throw new RangeError(`Cannot round ${value}.`);
  const [mantissa = '0', exponent = '0'] = value.toString().split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}

/** Both numbers as whole numbers of the same power of ten. */
function alignDecimals(a: Decimal, b: Decimal): [bigint, bigint] {
  const exponent = Math.min(a.exponent, b.exponent);
  const scale = ({ digits, exponent: own }: Decimal) => digits * 10n ** BigInt(own - exponent);
  return [scale(a), scale(b)];
}

/** The quotient rounded half away from zero to `digits` decimals; the divisor is positive. */
function roundQuotient(dividend: bigint, divisor: bigint, digits: number): number {
  const shifted = digits < 0 ? dividend : dividend * 10n ** BigInt(digits);
  const unit = digits < 0 ? divisor * 10n ** BigInt(-digits) : divisor;
  const size = shifted < 0n ? -shifted : shifted;
  const rounded = (2n * size + unit) / (2n * unit);
  return rounded === 0n ? 0 : Number(`${shifted < 0n ? '-' : ''}${rounded}e${-digits}`);
}

/**
 * Rounds half away from zero on the decimal digits that a number is written with, so that 28.75 becomes 28.8 and 1.005
 * becomes 1.01, which `toFixed` gets wrong. `digits` is how many decimals stay. This is the only rounding in the product.
 */
export function roundDecimal(value: number, digits: number): number {
  const decimal = toDecimal(value);
  if (-decimal.exponent <= digits) return value + 0;
  const [dividend, divisor] = alignDecimals(decimal, { digits: 1n, exponent: 0 });
  return roundQuotient(dividend, divisor, digits);
}

/**
 * The share of `part` in `whole` in percent, rounded half away from zero to `digits` decimals from the exact quotient of
 * the two as they are written. Nothing of nothing is 0.
 */
export function percentOf(part: number, whole: number, digits = 1): number {
  if (whole === 0) return 0;
  const [dividend, divisor] = alignDecimals(toDecimal(part), toDecimal(whole));
  return divisor < 0n
    ? roundQuotient(-100n * dividend, -divisor, digits)
    : roundQuotient(100n * dividend, divisor, digits);
}

/** How much more than `base` a value is, in percent of the base's absolute value, rounded like `percentOf`. */
export function percentAbove(base: number, value: number, digits = 1): number {
  const [before, after] = alignDecimals(toDecimal(base), toDecimal(value));
  return roundQuotient(100n * (after - before), before < 0n ? -before : before, digits);
}
