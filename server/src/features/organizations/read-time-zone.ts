/**
 * A zone of the IANA database, spelt as that spells it; undefined for anything else, offsets such as `+01:00` included,
 * because a zone without its rules would count days wrongly for half of the year.
 */
export function readTimeZone(text: string): string | undefined {
  if (!/^[A-Za-z]/.test(text)) return undefined;
  try {
    return new Temporal.ZonedDateTime(0n, text).timeZoneId;
  } catch {
    return undefined;
  }
}
