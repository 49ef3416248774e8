/**
 * Rounds half away from zero on the decimal digits that a number is written with, so that 28.75 becomes 28.8 and 1.005
 * becomes 1.01, which `toFixed` gets wrong. `digits` is how many decimals stay. This is the only rounding in the product.
 */
export function roundDecimal(value: number, digits: number): number {
  if (!Number.isFinite(value)) throw new RangeError(`Cannot round ${value}.`);
  const [mantissa = '0', exponent = '0'] = value.toString().split('e');
  const shifted = Number(`${mantissa}e${Number(exponent) + digits}`);
  const rounded = Math.sign(shifted) * Math.round(Math.abs(shifted));
  const [back = '0', backExponent = '0'] = rounded.toString().split('e');
  return Number(`${back}e${Number(backExponent) - digits}`) + 0;
}

/**
 * The share of `part` in `whole` in percent, rounded to `digits` decimals from the exact quotient of the two whole
 * numbers. Nothing of nothing is 0.
 */
export function percentOf(part: number, whole: number, digits = 1): number {
  if (whole === 0) return 0;
  const scale = 10n ** BigInt(digits);
  const twice = (2n * 100n * scale * BigInt(part) + BigInt(whole)) / (2n * BigInt(whole));
  return Number(twice) / Number(scale);
}
