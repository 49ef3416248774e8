/**
 * One line of at most `maxCharacters`: control characters and runs of white space become one space, what is too long
 * ends in an ellipsis. Never cuts a character in two.
 */
export function cleanText(text: string, maxCharacters: number): string {
  // The first cut bounds the work on a subject of megabytes; the second counts characters and not code units.
  const line = text
    .slice(0, maxCharacters * 8)
    .replace(/[\p{Cc}\p{Zs}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  if (line.length <= maxCharacters) return line.toWellFormed();
  const characters = Array.from(line.toWellFormed());
  if (characters.length <= maxCharacters) return characters.join('');
  return `${characters.slice(0, maxCharacters - 1).join('')}…`;
}

/** A Unix time in seconds as RFC 3339 in UTC; undefined outside the years 1 to 9999, which that form cannot hold. */
export function formatUnixTime(seconds: number): string | undefined {
  const year1 = -62_135_596_800;
  const year10000 = 253_402_300_800;
  if (!Number.isSafeInteger(seconds) || seconds < year1 || seconds >= year10000) return undefined;
  return new Date(seconds * 1_000).toISOString();
}
