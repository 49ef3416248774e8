/** A value at a place on an even scale, such as the number of a week. */
export interface Sample {
  readonly x: number;
  readonly y: number;
}

/** A straight line. */
export interface Line {
  readonly slope: number;
  readonly intercept: number;
}

/** The middle value; of an even count the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * The Theil-Sen line: the median of the slopes of all pairs, through the median of what is left. A third of the samples
 * may be anything without turning it (Sen 1968). Of fewer than two samples: level.
 */
export function fitTheilSen(samples: readonly Sample[]): Line {
  const slopes = pairsOf(samples).flatMap(([a, b]) => (a.x === b.x ? [] : [(b.y - a.y) / (b.x - a.x)]));
  const slope = slopes.length === 0 ? 0 : median(slopes);
  return { slope, intercept: median(samples.map(({ x, y }) => y - slope * x)) };
}

/** Up to this many samples without ties the orders are counted; beyond it the normal distribution is close. */
const mostCounted = 10;

/**
 * The two-sided p of the Mann-Kendall test: how likely samples without any trend are to be in so clear an order or a
 * clearer one. Exact for up to ten samples without ties, else by the normal approximation with the correction for ties
 * and for continuity (Kendall 1975).
 */
export function testMannKendall(samples: readonly Sample[]): number {
  const ordered = [...samples].sort((a, b) => a.x - b.x).map(({ y }) => y);
  const n = ordered.length;
  const score = pairsOf(ordered).reduce((sum, [a, b]) => sum + Math.sign(b - a), 0);
  const ties = [...Map.groupBy(ordered, (y) => y).values()].map(({ length }) => length);
  if (n <= mostCounted && ties.length === n) return countClearerOrders(n, Math.abs(score));
  const weigh = (count: number) => count * (count - 1) * (2 * count + 5);
  const variance = (weigh(n) - ties.reduce((sum, count) => sum + weigh(count), 0)) / 18;
  if (variance === 0) return 1;
  const z = Math.max(0, Math.abs(score) - 1) / Math.sqrt(variance);
  return 2 * (1 - normalBelow(z));
}

/** The share of the orders of n values whose score is at least so far from 0. */
function countClearerOrders(n: number, score: number): number {
  // How many orders have so many pairs the wrong way round: each further value adds 0 to its place's number of them.
  let orders = [1];
  for (let size = 2; size <= n; size += 1) {
    const next = new Array<number>(orders.length + size - 1).fill(0);
    for (const [wrong, count] of orders.entries())
      for (let added = 0; added < size; added += 1) next[wrong + added] = (next[wrong + added] ?? 0) + count;
    orders = next;
  }
  const pairs = (n * (n - 1)) / 2;
  const all = orders.reduce((sum, count) => sum + count, 0);
  const clearer = orders.reduce((sum, count, wrong) => (Math.abs(pairs - 2 * wrong) >= score ? sum + count : sum), 0);
  return clearer / all;
}

/** The normal distribution up to z ≥ 0, to 7.5e-8 (Abramowitz and Stegun 26.2.17). */
function normalBelow(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  const tail = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 1 - density * tail;
}

const fewestForAnomalies = 6;
const largestScore = 3.5;
/** Makes the median of distances comparable with a standard deviation. */
const madScale = 0.6745;

/**
 * Which samples lie far off the line: a modified z-score over 3.5 (Iglewicz and Hoaglin 1993). None of fewer than six
 * samples, and where more than half lie on the line every other one does.
 */
export function findAnomalies(samples: readonly Sample[], { slope, intercept }: Line): boolean[] {
  const distances = samples.map(({ x, y }) => Math.abs(y - (slope * x + intercept)));
  const scale = Math.max(1, ...samples.map(({ y }) => Math.abs(y)));
  const typical = median(distances);
  if (samples.length < fewestForAnomalies) return samples.map(() => false);
  return distances.map((distance) => distance > scale * 1e-9 && (madScale * distance) / typical > largestScore);
}

function pairsOf<Value>(values: readonly Value[]): [Value, Value][] {
  return values.flatMap((a, index) => values.slice(index + 1).map((b): [Value, Value] => [a, b]));
}

/** Where a series of values is going. */
export type Trend = 'positive' | 'negative' | 'stable' | 'insufficient_data';

const fewestForTrend = 3;
const largestP = 0.1;
const leastShare = 0.01;

/**
 * Tells where values are going, the more the better unless `direction` says otherwise. It takes three values; the change
 * along the line must come to 1 % of the median, and the order be significant: p ≤ 0.1, or of three all in one order.
 */
export function judgeTrend(samples: readonly Sample[], direction: 'up' | 'down' | 'none'): Trend {
  if (samples.length < fewestForTrend) return 'insufficient_data';
  const { slope } = fitTheilSen(samples);
  const places = samples.map(({ x }) => x);
  const change = slope * (Math.max(...places) - Math.min(...places));
  const isLarge = change !== 0 && Math.abs(change) >= leastShare * median(samples.map(({ y }) => Math.abs(y)));
  const p = testMannKendall(samples);
  const isOrdered = samples.length === fewestForTrend && isOneOrder(samples);
  if (!isLarge || !(isOrdered || p <= largestP)) return 'stable';
  const isBetter = direction === 'down' ? slope < 0 : slope > 0;
  return isBetter ? 'positive' : 'negative';
}

function isOneOrder(samples: readonly Sample[]): boolean {
  const signs = pairsOf([...samples].sort((a, b) => a.x - b.x)).map(([a, b]) => Math.sign(b.y - a.y));
  return signs.every((sign) => sign !== 0 && sign === signs[0]);
}
