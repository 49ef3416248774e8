import type { FieldFault } from '@almanac/contract/errors.ts';
import { readTime } from '#kernel/read-time.ts';

/** A stretch of time, the end excluded. */
export interface Period {
  readonly from: Date | undefined;
  readonly to: Date | undefined;
}

const dayForm = /^\d{4}-\d{2}-\d{2}$/;

/** Reads a period given in days of a time zone, the last one included, or in times; or says what is wrong with it. */
export function readPeriod(
  { period_start, period_end }: { period_start?: string | undefined; period_end?: string | undefined },
  timezone: string,
): Period | FieldFault {
  const from = period_start === undefined ? undefined : readBound(period_start, timezone, 0);
  if (from === null) return wrong('period_start', period_start);
  const to = period_end === undefined ? undefined : readBound(period_end, timezone, 1);
  if (to === null) return wrong('period_end', period_end);
  if (from && to && from >= to)
    return { field: 'period_end', issue: `'${period_end}' is not after period_start, '${period_start}'` };
  return { from, to };
}

/** What the database and a printed time can both hold. */
const [earliestMs, latestMs] = [Date.UTC(1900, 0, 1), Date.UTC(9_999, 0, 1)];

function readBound(text: string, timezone: string, daysOn: number): Date | null {
  const bound = readAnyBound(text, timezone, daysOn);
  return bound && bound.getTime() >= earliestMs && bound.getTime() < latestMs ? bound : null;
}

function readAnyBound(text: string, timezone: string, daysOn: number): Date | null {
  if (!dayForm.test(text)) return readTime(text) ?? null;
  try {
    const day = Temporal.PlainDate.from(text).add({ days: daysOn });
    return new Date(day.toZonedDateTime(timezone).epochMilliseconds);
  } catch {
    return null;
  }
}

function wrong(field: string, text: string | undefined): FieldFault {
  return {
    field,
    issue: `'${text}' is neither a day from 1900 to 9998, such as 2024-12-18, nor a time such as 2024-12-18T09:30:00Z`,
  };
}
