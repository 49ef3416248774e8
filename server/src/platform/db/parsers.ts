/**
 * How PostgreSQL's types reach the code, alike on both drivers: a BIGINT as a number (one that a number cannot hold is
 * an error, never a rounded value), NUMERIC and INTERVAL as text, DATE as plain `YYYY-MM-DD` whatever the server's zone.
 */
export const typeParsers: Readonly<Record<number, (text: string) => unknown>> = {
  20: parseBigint,
  1082: (text) => text,
  1186: (text) => text,
  1700: (text) => text,
};

function parseBigint(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`The BIGINT ${text} does not fit a number.`);
  return value;
}
