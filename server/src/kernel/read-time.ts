/** The moment that an RFC 3339 text names; undefined where it names none. */
export function readInstant(text: string): Temporal.Instant | undefined {
  try {
    return Temporal.Instant.from(text);
  } catch {
    return undefined;
  }
}

/** The moment that an RFC 3339 text names, to the millisecond; undefined where it names none. */
export function readTime(text: string): Date | undefined {
  const instant = readInstant(text);
  return instant && new Date(instant.epochMilliseconds);
}

const daysOfMonths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const [zero, dash, colon, point, letterT, letterZ] = [0x30, 0x2d, 0x3a, 0x2e, 0x54, 0x5a];

/**
 * Microseconds since 1970 of a text as `Date` writes it, `YYYY-MM-DDTHH:MM:SSZ` with up to six digits of the second;
 * undefined for every other form, right or wrong, and for a time that is none. It is what machines send in thousands,
 * so it is read digit by digit. Exact in the years 1685 to
 * 2254, where a double holds microseconds.
 */
export function readUtcMicroseconds(text: string): number | undefined {
  const { length } = text;
  const isInForm =
    length >= 20 &&
    length <= 27 &&
    text.charCodeAt(4) === dash &&
    text.charCodeAt(7) === dash &&
    text.charCodeAt(10) === letterT &&
    text.charCodeAt(13) === colon &&
    text.charCodeAt(16) === colon &&
    text.charCodeAt(length - 1) === letterZ &&
    (length === 20 || (length > 21 && text.charCodeAt(19) === point));
  if (!isInForm) return undefined;
  const [year, month, day] = [readDigits(text, 0, 4), readDigits(text, 5, 7), readDigits(text, 8, 10)];
  const [hour, minute, second] = [readDigits(text, 11, 13), readDigits(text, 14, 16), readDigits(text, 17, 19)];
  const fraction = length === 20 ? 0 : readDigits(text, 20, length - 1) * 10 ** (27 - length);
  // Not a number where a character is no digit, and so in no range.
  const isTime = hour <= 23 && minute <= 59 && second <= 59 && fraction >= 0;
  if (!(isTime && year >= 0 && month >= 1 && day >= 1 && day <= daysIn(month, year))) return undefined;
  const seconds = daysSince1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
  return seconds * 1_000_000 + fraction;
}

/** The time at so many microseconds since 1970, as a `Date` writes it, with six digits of the second where it takes them. */
export function formatMicroseconds(microseconds: number): string {
  const milliseconds = Math.floor(microseconds / 1_000);
  const text = new Date(milliseconds).toISOString();
  const rest = microseconds - milliseconds * 1_000;
  return rest === 0 ? text : `${text.slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}

function readDigits(text: string, from: number, end: number): number {
  let value = 0;
  for (let at = from; at < end; at += 1) {
    const digit = text.charCodeAt(at) - zero;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

function daysIn(month: number, year: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && isLeap ? 29 : (daysOfMonths[month - 1] ?? 0);
}

/** Of the Gregorian calendar, counted in years that begin in March, so that the leap day is the last one. */
function daysSince1970(year: number, month: number, day: number): number {
  const fromMarch = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const leapDays = Math.floor(fromMarch / 4) - Math.floor(fromMarch / 100) + Math.floor(fromMarch / 400);
  return fromMarch * 365 + leapDays + dayOfYear - 719_468;
}
