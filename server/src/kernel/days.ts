/** Some local days in a row, from local midnight to local midnight. */
export interface DayPeriod {
  /** First and last local day, `YYYY-MM-DD`. */
  readonly startDate: string;
  readonly endDate: string;
  /** How many there are. */
  readonly days: number;
  /** The half-open range [start, end) in epoch milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
}

/** The local day of a moment. */
export function dayAt(epochMs: number, timezone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(epochMs).toZonedDateTimeISO(timezone).toPlainDate();
}

/** As many days that end with one. */
export function periodUntil(end: Temporal.PlainDate, days: number, timezone: string): DayPeriod {
  const start = end.subtract({ days: days - 1 });
  const midnight = (date: Temporal.PlainDate) => date.toZonedDateTime(timezone).epochMilliseconds;
  return {
    startDate: start.toString(),
    endDate: end.toString(),
    days,
    startMs: midnight(start),
    endMs: midnight(end.add({ days: 1 })),
  };
}

/** Each day of a period by itself. */
export function eachDay({ startDate, days }: Pick<DayPeriod, 'startDate' | 'days'>, timezone: string): DayPeriod[] {
  const first = Temporal.PlainDate.from(startDate);
  return Array.from({ length: days }, (_, index) => periodUntil(first.add({ days: index }), 1, timezone));
}

/** The period of as many days right before one. */
export function periodBefore({ startDate, days }: DayPeriod, timezone: string): DayPeriod {
  return periodUntil(Temporal.PlainDate.from(startDate).subtract({ days: 1 }), days, timezone);
}

/**
 * The moment so many days before, at the same local time. Where the clock skips that time, the moment right after the
 * gap.
 */
export function sameMomentBefore(epochMs: number, days: number, timezone: string): number {
  const local = Temporal.Instant.fromEpochMilliseconds(epochMs).toZonedDateTimeISO(timezone).toPlainDateTime();
  const wanted = local.subtract({ days });
  const found = wanted.toZonedDateTime(timezone);
  if (found.toPlainDateTime().equals(wanted)) return found.epochMilliseconds;
  return (found.getTimeZoneTransition('previous') ?? found).epochMilliseconds;
}
