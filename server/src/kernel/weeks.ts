import { dayAt, sameMomentBefore } from './days.ts';

/** How an organization counts its weeks. */
export interface WeekCalendar {
  /** IANA zone, such as Europe/Berlin. */
  readonly timezone: string;
  /** 1 Monday … 7 Sunday. */
  readonly firstDayOfWeek: number;
}

/** One week: seven local days, from local midnight to local midnight; 167 to 169 hours where clocks change. */
export interface Week {
  /** Id by the ISO year, such as 2024-W51. */
  readonly id: string;
  /** First and last local day, `YYYY-MM-DD`. */
  readonly startDate: string;
  readonly endDate: string;
  /** The half-open range [start, end) in epoch milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly calendar: WeekCalendar;
}

const millisecondsOfMidnight = (date: Temporal.PlainDate, timezone: string): number =>
  date.toZonedDateTime(timezone).epochMilliseconds;

/**
 * The id of the week that starts on that day. A week belongs to the ISO week that holds its fourth day, so a week that
 * starts on Monday has just its ISO id, and weeks that start on another day map one to one.
 */
function weekId(start: Temporal.PlainDate): string {
  const middle = start.add({ days: 3 });
  return `${String(middle.yearOfWeek).padStart(4, '0')}-W${String(middle.weekOfYear).padStart(2, '0')}`;
}

/** The week that holds a local day. */
export function weekOfDate(date: Temporal.PlainDate, calendar: WeekCalendar): Week {
  const start = date.subtract({ days: (date.dayOfWeek - calendar.firstDayOfWeek + 7) % 7 });
  const end = start.add({ days: 7 });
  return {
    id: weekId(start),
    startDate: start.toString(),
    endDate: end.subtract({ days: 1 }).toString(),
    startMs: millisecondsOfMidnight(start, calendar.timezone),
    endMs: millisecondsOfMidnight(end, calendar.timezone),
    calendar,
  };
}

/** The week that holds a moment, in epoch milliseconds. */
export function weekAt(epochMs: number, calendar: WeekCalendar): Week {
  const week = weekOfDate(dayAt(epochMs, calendar.timezone), calendar);
  // Where clocks go back over midnight, the old day's name returns after the new week has begun.
  return epochMs < week.endMs ? week : shiftWeek(week, 1);
}

/** The week that lies `count` weeks after this one; before it with a negative count. */
export function shiftWeek(week: Week, count: number): Week {
  return weekOfDate(Temporal.PlainDate.from(week.startDate).add({ weeks: count }), week.calendar);
}

/** The words for weeks that are relative to now. */
const relativeWeeks: Readonly<Record<string, number>> = { current: 0, last: -1, two_weeks_ago: -2 };
/** Other spellings that are taken for them. */
const spellings: Readonly<Record<string, string>> = {
  twoWeeksAgo: 'two_weeks_ago',
  'two-weeks-ago': 'two_weeks_ago',
};

/** What a week parameter takes, for the message that answers a wrong one. */
export const acceptedWeeks =
  'current, last, two_weeks_ago, an ISO week such as 2024-W51, or a date YYYY-MM-DD of the years 1970 to 9998';

/**
 * Reads a week parameter: a word relative to now, an ISO week id or a day of the week. Undefined for anything else, also
 * for days and weeks that the calendar does not have.
 */
export function parseWeek(text: string, nowMs: number, calendar: WeekCalendar): Week | undefined {
  const shift = findShift(text);
  if (shift !== undefined) return shiftWeek(weekAt(nowMs, calendar), shift);
  const year = Number(text.slice(0, 4));
  if (year < 1970 || year > 9998) return undefined;
  const date = parseIsoWeek(text, calendar) ?? parseDate(text);
  return date && weekOfDate(date, calendar);
}

/** The one spelling of what a week parameter asks for: a word stays relative to now, anything else is its week's id. */
export function canonicalWeek(text: string, week: Week): string {
  return findShift(text) === undefined ? week.id : (spellings[text] ?? text);
}

function findShift(text: string): number | undefined {
  const word = Object.hasOwn(spellings, text) ? spellings[text] : text;
  return word !== undefined && Object.hasOwn(relativeWeeks, word) ? relativeWeeks[word] : undefined;
}

function parseDate(text: string): Temporal.PlainDate | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  try {
    return Temporal.PlainDate.from(text, { overflow: 'reject' });
  } catch {
    return undefined;
  }
}

function parseIsoWeek(text: string, calendar: WeekCalendar): Temporal.PlainDate | undefined {
  const match = /^(\d{4})-W(\d{2})$/.exec(text);
  if (!match) return undefined;
  const fourthOfJanuary = Temporal.PlainDate.from({ year: Number(match[1]), month: 1, day: 4 });
  const thursday = fourthOfJanuary.add({ days: 4 - fourthOfJanuary.dayOfWeek + 7 * (Number(match[2]) - 1) });
  if (thursday.year !== Number(match[1])) return undefined;
  // The week whose fourth day lies in this ISO week: its first day is one of the seven around Monday.
  const earliest = thursday.subtract({ days: 6 });
  return earliest.add({ days: (calendar.firstDayOfWeek - earliest.dayOfWeek + 7) % 7 });
}

const monthDay = new Intl.DateTimeFormat('en-US', { month: 'short', day: 'numeric', timeZone: 'UTC' });

/** The week in words: "Dec 16 - Dec 22, 2024"; across years "Dec 29, 2025 - Jan 4, 2026". */
export function weekLabel(week: Week): string {
  const first = Temporal.PlainDate.from(week.startDate);
  const last = Temporal.PlainDate.from(week.endDate);
  const label = (date: Temporal.PlainDate) => monthDay.format(date.toZonedDateTime('UTC').epochMilliseconds);
  const firstYear = first.year === last.year ? '' : `, ${first.year}`;
  return `${label(first)}${firstYear} - ${label(last)}, ${last.year}`;
}

/** How much of the week has passed, 0 to 1, in whole ten-thousandths: 1 only once it is over. */
export function elapsedFraction(week: Week, nowMs: number): number {
  const share = (nowMs - week.startMs) / (week.endMs - week.startMs);
  return Math.floor(Math.min(1, Math.max(0, share)) * 10_000) / 10_000;
}

/**
 * The moment of the week before at which as much of it had passed by the local clock: the same weekday and local time.
 * Where the clock skips that time, the moment right after the gap.
 */
export function sameMomentWeekBefore(epochMs: number, timezone: string): number {
  return sameMomentBefore(epochMs, 7, timezone);
}

/** A moment in the zone's local time, as "2024-12-23 09:00 AM". */
export function localTimestamp(epochMs: number, timezone: string): string {
  const local = Temporal.Instant.fromEpochMilliseconds(epochMs).toZonedDateTimeISO(timezone);
  const hour = local.hour % 12 === 0 ? 12 : local.hour % 12;
  const two = (value: number) => String(value).padStart(2, '0');
  const half = local.hour < 12 ? 'AM' : 'PM';
  return `${local.toPlainDate().toString()} ${two(hour)}:${two(local.minute)} ${half}`;
}
