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
