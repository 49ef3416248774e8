import type { WeeklyData } from '@almanac/contract/weekly.ts';
import { acceptedWeeks, parseWeek, type Week, type WeekCalendar, weekAt, weekOfDate } from '#kernel/weeks.ts';
import { type AppError, validationFailed } from '#platform/errors/app-error.ts';

/** Resolves week parameters. */
export interface WeekClock {
  /** The running week. */
  current(calendar: WeekCalendar): Week;
  /** Reads a week parameter, the running week without one; throws for what is none. */
  resolve(text: string | undefined, calendar: WeekCalendar): Week;
}

/** Makes a week clock. The running week is kept until it ends: asking for it is what nearly every request does. */
export function createWeekClock(now: () => Date): WeekClock {
  const running = new Map<string, Week>();
  const current = (calendar: WeekCalendar): Week => {
    const nowMs = now().getTime();
    const key = `${calendar.timezone}/${calendar.firstDayOfWeek}`;
    const kept = running.get(key);
    if (kept && nowMs >= kept.startMs && nowMs < kept.endMs) return kept;
    const week = weekAt(nowMs, { timezone: calendar.timezone, firstDayOfWeek: calendar.firstDayOfWeek });
    running.set(key, week);
    return week;
  };
  return {
    current,
    resolve: (text, calendar) => {
      if (text === undefined || text === 'current') return current(calendar);
      const week = parseWeek(text, now().getTime(), calendar);
      if (!week) throw unknownWeek(text);
      return week;
    },
  };
}

/** The week that an object is of, by the calendar that the object was counted in. */
export function findWeekOf({ week: { start, timezone } }: Pick<WeeklyData, 'week'>): Week {
  const first = Temporal.Instant.from(start).toZonedDateTimeISO(timezone).toPlainDate();
  return weekOfDate(first, { timezone, firstDayOfWeek: first.dayOfWeek });
}

function unknownWeek(text: string): AppError {
  return validationFailed([
    { field: 'week', issue: `'${text.slice(0, 40)}' is not a week; it takes ${acceptedWeeks}` },
  ]);
}
