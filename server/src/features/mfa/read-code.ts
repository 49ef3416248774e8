/** A code as it is compared. */
export interface ReadCode {
  /** `totp`: six digits; `recovery`: anything else. */
  readonly kind: 'totp' | 'recovery';
  readonly text: string;
}

/** What people put between the groups of a code, and what comes along when one is pasted. */
const separators = /[\s\p{Pd}\p{Cf}\u2212]/gu;
/** Recovery codes have none of these letters. */
const lookAlikes: Readonly<Record<string, string>> = { o: '0', i: '1', l: '1', u: 'v' };

/** Reads a code as people type it: in groups, in capitals, in the digits of their script, with O for 0. */
export function readCode(typed: string): ReadCode {
  const text = typed
    .normalize('NFKC')
    .toLowerCase()
    .replace(separators, '')
    .replace(/\p{Nd}/gu, toAsciiDigit)
    .replace(/[oilu]/g, (letter) => lookAlikes[letter] ?? letter);
  return { kind: /^\d{6}$/.test(text) ? 'totp' : 'recovery', text };
}

/** Unicode has the ten digits of each script in a row, beginning with zero. */
function toAsciiDigit(digit: string): string {
  const point = digit.codePointAt(0) ?? 0;
  let digitsBefore = 0;
  while (/\p{Nd}/u.test(String.fromCodePoint(point - digitsBefore - 1))) digitsBefore += 1;
  return String(digitsBefore % 10);
}
