import { readTime } from '#kernel/read-time.ts';
import { validationFailed } from '#platform/errors/app-error.ts';
import { quote } from '#platform/http/quote.ts';
import { granularities } from './merge-readings.ts';
import type { BucketRange } from './system.views.ts';

/** A period as a caller names it: times (RFC 3339), or days of UTC, the last of which is whole. */
export interface PeriodInput {
  periodStart?: string | undefined;
  periodEnd?: string | undefined;
}

/** A period, and the buckets that show it: at most 300. */
export interface ReportPeriod {
  from: Date;
  to: Date;
  buckets: BucketRange;
  bucketSeconds: number;
}

const dayMs = granularities.day;
const mostBuckets = 300;

/** Reads a period; without a beginning it is a day long, without an end it ends now. Throws VALIDATION_ERROR. */
export function readPeriod({ periodStart, periodEnd }: PeriodInput, now: Date): ReportPeriod {
  const to = periodEnd === undefined ? now : readEdge('period_end', periodEnd, dayMs);
  const from = periodStart === undefined ? new Date(to.getTime() - dayMs) : readEdge('period_start', periodStart, 0);
  if (from >= to) {
    const end = periodEnd === undefined ? 'now' : quote(periodEnd);
    throw wrong('period_start', `${quote(periodStart ?? from.toISOString())} is not before period_end, ${end}`);
  }
  const fitting = Object.entries(granularities)
    .map(([granularity, ms]) => ({ granularity, ms, ...widen(from, to, ms) }))
    .find(({ ms, ...range }) => (range.to.getTime() - range.from.getTime()) / ms <= mostBuckets);
  if (!fitting)
    throw wrong('period_start', `${quote(periodStart)} lies more than ${mostBuckets - 1} days before the end`);
  const { ms, ...buckets } = fitting;
  return { from, to, buckets, bucketSeconds: ms / 1_000 };
}

/** The period from the beginning of its first bucket to the end of its last. */
function widen(from: Date, to: Date, ms: number): { from: Date; to: Date } {
  return {
    from: new Date(Math.floor(from.getTime() / ms) * ms),
    to: new Date(Math.ceil(to.getTime() / ms) * ms),
  };
}

function readEdge(field: string, text: string, wholeDayMs: number): Date {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const time = readTime(isDay ? `${text}T00:00:00Z` : text);
  if (!time)
    throw wrong(field, `${quote(text)} is no time such as 2024-12-18T12:00:00Z, and no day such as 2024-12-18`);
  return isDay ? new Date(time.getTime() + wholeDayMs) : time;
}

function wrong(field: string, issue: string) {
  return validationFailed([{ field, issue }]);
}
