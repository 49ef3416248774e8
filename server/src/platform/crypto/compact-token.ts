/**
 * True for three parts of strict base64url (RFC 7515): a token has one spelling, so no padding, and no stray bits at the
 * end of a part.
 */
export function isCompactToken(token: string, maxLength: number): boolean {
  if (token.length > maxLength) return false;
  const parts = token.split('.');
  return parts.length === 3 && parts.every((part) => part !== '' && respell(part) === part);
}

/** The JSON object that a part of a token spells; undefined for anything else. Nothing of it is verified. */
export function readTokenPart(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The moment that an `exp` claim names, in epoch milliseconds; undefined for what is no time up to the year 9999. */
export function readExpiry(exp: unknown): number | undefined {
  return typeof exp === 'number' && exp > 0 && exp < 253_402_300_800 ? Math.floor(exp) * 1000 : undefined;
}

const respell = (part: string) => Buffer.from(part, 'base64url').toString('base64url');
