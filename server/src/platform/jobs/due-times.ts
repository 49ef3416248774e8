import type { Schedule } from './schedule.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** A schedule such as 29 February comes round within this. */
const longestPeriodDays = 366 * 8 + 1;

interface DueRange {
  /** Not included. */
  after: Date;
  /** Included. */
  until: Date;
  limit: number;
}

/**
 * The due times in (after, until], oldest first, at most `limit`.
 *
 * At clock changes a schedule with fixed hours is due once for each day it names: where the clock jumps over the time, as
 * long after the jump as it stood into it (02:30 becomes 03:30), and where an hour comes twice, in the first. A schedule
 * of every hour goes by the time that passes: each hour that is there, and both of a doubled one.
 */
export function listDueTimes(schedule: Schedule, { after, until, limit }: DueRange): Date[] {
  const found: Date[] = [];
  // A day early: a time that a clock change moved may fall on the next day.
  let day = plainDateOf(after, schedule.timezone).subtract({ days: 1 });
  const last = plainDateOf(until, schedule.timezone);
  while (Temporal.PlainDate.compare(day, last) <= 0 && found.length < limit) {
    for (const time of dueTimesOfDay(schedule, day)) {
      if (time > after.getTime() && time <= until.getTime()) found.push(new Date(time));
    }
    day = day.add({ days: 1 });
  }
  return found.slice(0, limit);
}

/** The last due time in (after, until]. */
export function findLastDueTime(schedule: Schedule, after: Date, until: Date): Date | undefined {
  let day = plainDateOf(until, schedule.timezone);
  const first = plainDateOf(after, schedule.timezone).subtract({ days: 1 });
  for (let days = 0; days < longestPeriodDays && Temporal.PlainDate.compare(day, first) >= 0; days += 1) {
    const time = dueTimesOfDay(schedule, day).findLast((candidate) => candidate <= until.getTime());
    if (time !== undefined) return time > after.getTime() ? new Date(time) : undefined;
    day = day.subtract({ days: 1 });
  }
  return undefined;
}

/** The first due time after a moment; undefined for a day that never comes. */
export function findNextDueTime(schedule: Schedule, after: Date): Date | undefined {
  const until = new Date(after.getTime() + longestPeriodDays * dayMs);
  return listDueTimes(schedule, { after, until, limit: 1 })[0];
}

function plainDateOf(moment: Date, timezone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(moment.getTime()).toZonedDateTimeISO(timezone).toPlainDate();
}

function dueTimesOfDay(schedule: Schedule, day: Temporal.PlainDate): number[] {
  if (!schedule.matchesDay(day)) return [];
  const start = startOf(day, schedule.timezone);
  const isPlainDay = startOf(day.add({ days: 1 }), schedule.timezone) - start === dayMs;
  const times: number[] = [];
  for (const hour of schedule.hours) {
    for (const minute of schedule.minutes) {
      if (isPlainDay) times.push(start + (hour * 60 + minute) * minuteMs);
      else times.push(...atClockChange(schedule, day.toPlainDateTime({ hour, minute })));
    }
  }
  return isPlainDay ? times : [...new Set(times)].sort((a, b) => a - b);
}

function startOf(day: Temporal.PlainDate, timezone: string): number {
  return day.toZonedDateTime(timezone).epochMilliseconds;
}

function atClockChange({ timezone, isEveryHour }: Schedule, local: Temporal.PlainDateTime): number[] {
  const earlier = local.toZonedDateTime(timezone, { disambiguation: 'earlier' }).epochMilliseconds;
  const later = local.toZonedDateTime(timezone, { disambiguation: 'later' });
  if (earlier === later.epochMilliseconds) return [earlier];
  const isSkipped = !later.toPlainDateTime().equals(local);
  if (isEveryHour) return isSkipped ? [] : [earlier, later.epochMilliseconds];
  return [isSkipped ? later.epochMilliseconds : earlier];
}
