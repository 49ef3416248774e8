/**
 * The value that `part` (0 to 1) of the samples stay under, from counts by upper bound, the last one without a bound. Within a
 * bucket the samples are taken to lie evenly, as Prometheus' `histogram_quantile` does; of what is past the last bound only
 * that is known. Null without samples.
 */
export function estimatePercentile(
  histogram: readonly number[],
  bounds: readonly number[],
  part: number,
): number | null {
  const all = histogram.reduce((sum, count) => sum + count, 0);
  if (all === 0) return null;
  const wanted = part * all;
  let passed = 0;
  for (const [index, count] of histogram.entries()) {
    const upper = bounds[index];
    if (upper === undefined) break;
    if (count > 0 && passed + count >= wanted) {
      const lower = bounds[index - 1] ?? 0;
      return lower + (upper - lower) * ((wanted - passed) / count);
    }
    passed += count;
  }
  return bounds.at(-1) ?? null;
}
