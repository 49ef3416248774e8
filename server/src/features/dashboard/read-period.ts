import { mostDays } from '@almanac/contract/dashboard.ts';
import type { FieldFault } from '@almanac/contract/errors.ts';
import { type DayPeriod, dayAt, periodUntil } from '#kernel/days.ts';

/** How a period is asked for. */
export interface AskedPeriod {
  readonly period_days?: number | undefined;
  readonly period_start?: string | undefined;
  readonly period_end?: string | undefined;
}

interface Now {
  readonly nowMs: number;
  readonly timezone: string;
}

const defaultDays = 7;
const earliestYear = 1970;
const latestYear = 9998;

/** The period of who asks for none: the last seven days, today included. */
export function defaultPeriod({ nowMs, timezone }: Now): DayPeriod {
  return periodUntil(dayAt(nowMs, timezone), defaultDays, timezone);
}

/** Reads a period: the last days, today included, or first and last day; or says what is wrong with it. */
export function readPeriod(asked: AskedPeriod, { nowMs, timezone }: Now): DayPeriod | FieldFault {
  const { period_days, period_start, period_end } = asked;
  if (period_start === undefined && period_end === undefined) {
    return periodUntil(dayAt(nowMs, timezone), period_days ?? defaultDays, timezone);
  }
  if (period_days !== undefined) {
    return { field: 'period_days', issue: 'is given beside period_start or period_end; send one or the other' };
  }
  if (period_start === undefined) return { field: 'period_start', issue: 'is missing; period_end needs it' };
  if (period_end === undefined) return { field: 'period_end', issue: 'is missing; period_start needs it' };
  const start = readDay(period_start);
  if (!start) return notADay('period_start', period_start);
  const end = readDay(period_end);
  if (!end) return notADay('period_end', period_end);
  const days = start.until(end).days + 1;
  if (days < 1) return { field: 'period_end', issue: `'${period_end}' is before period_start, '${period_start}'` };
  if (days > mostDays) {
    return {
      field: 'period_end',
      issue: `'${period_end}' makes a period of ${days} days; at most ${mostDays} are taken`,
    };
  }
  return periodUntil(end, days, timezone);
}

function readDay(text: string): Temporal.PlainDate | undefined {
  try {
    const day = Temporal.PlainDate.from(text, { overflow: 'reject' });
    return day.year >= earliestYear && day.year <= latestYear ? day : undefined;
  } catch {
    return undefined;
  }
}

function notADay(field: string, text: string): FieldFault {
  return { field, issue: `'${text}' is not a day of the years ${earliestYear} to ${latestYear}, such as 2024-12-18` };
}
