import { CronExpressionParser } from 'cron-parser';
import { validationFailed } from '../errors/app-error.ts';

/** A schedule in a form to compute with. */
export interface Schedule {
  readonly timezone: string;
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly isEveryHour: boolean;
  matchesDay(day: Temporal.PlainDate): boolean;
}

/**
 * Reads five cron fields (minute, hour, day of month, month, day of week). Throws a validation error on others, of the
 * field that the caller knows the schedule by.
 */
export function parseSchedule(text: string, timezone: string, field = 'schedule'): Schedule {
  const fields = readFields(text, field);
  const minutes = numbersOf(fields.minute.values);
  const hours = numbersOf(fields.hour.values);
  const daysOfMonth = new Set(numbersOf(fields.dayOfMonth.values));
  const months = new Set(numbersOf(fields.month.values));
  const daysOfWeek = new Set(numbersOf(fields.dayOfWeek.values).map((day) => day % 7));
  const { isWildcard: anyDayOfMonth } = fields.dayOfMonth;
  const { isWildcard: anyDayOfWeek } = fields.dayOfWeek;
  requireZone(timezone);
  return {
    timezone,
    minutes,
    hours,
    isEveryHour: hours.length === 24,
    matchesDay: (day) => {
      if (!months.has(day.month)) return false;
      const ofMonth = daysOfMonth.has(day.day);
      const ofWeek = daysOfWeek.has(day.dayOfWeek % 7);
      // As in every cron: where both are restricted, either will do.
      return anyDayOfMonth || anyDayOfWeek ? ofMonth && ofWeek : ofMonth || ofWeek;
    },
  };
}

function readFields(text: string, field: string) {
  const parts = text.trim().split(/\s+/);
  const isPlain = parts.length === 5 && parts.every((part) => /^[\d*,/a-z-]+$/i.test(part) && !/^\d*l$/i.test(part));
  if (!isPlain)
    throw wrongSchedule(field, text, 'it takes five fields: minute, hour, day of month, month, day of week');
  try {
    return CronExpressionParser.parse(parts.join(' ')).fields;
  } catch (error) {
    throw wrongSchedule(field, text, error instanceof Error ? error.message : String(error));
  }
}

function numbersOf(values: readonly (number | string)[]): number[] {
  return values.map(Number).sort((a, b) => a - b);
}

function requireZone(timezone: string): void {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(timezone);
  } catch {
    throw validationFailed([{ field: 'timezone', issue: `'${timezone}' is not a time zone, such as Europe/Berlin` }]);
  }
}

function wrongSchedule(field: string, text: string, why: string) {
  return validationFailed([{ field, issue: `'${text}' is not a schedule: ${why}` }]);
}
