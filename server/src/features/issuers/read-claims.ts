import type { JWTPayload } from 'jose';
import { readExpiry } from '#platform/crypto/compact-token.ts';

/** What a verified token of an outside issuer says of its bearer. */
export interface OutsideClaims {
  /** As the issuer spells itself. */
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | undefined;
  /** True only where the issuer says so in a claim that its users cannot write. */
  readonly isEmailVerified: boolean;
  readonly name: string | undefined;
  /** Whether the issuer has asked for a second factor. */
  readonly hasSecondFactor: boolean;
  /** When the token ends, in epoch milliseconds. */
  readonly expiresMs: number;
}

const maxSubject = 255;
const maxEmail = 254;
const maxName = 200;

/**
 * Reads the claims of a token that has verified; undefined where it says of nobody who they are: no subject, no end, an
 * anonymous sign-in, or a token about an event (RFC 8417, such as a logout) rather than a person.
 */
export function readClaims(issuer: string, payload: JWTPayload): OutsideClaims | undefined {
  const { sub, email } = payload;
  const expiresMs = readExpiry(payload.exp);
  if (!isText(sub, maxSubject) || expiresMs === undefined) return undefined;
  if (payload.is_anonymous === true || payload.events !== undefined) return undefined;
  return {
    issuer,
    subject: sub,
    email: isText(email, maxEmail) ? email : undefined,
    isEmailVerified: payload.email_verified === true,
    name: readName(payload),
    hasSecondFactor: payload.aal === 'aal2' || (Array.isArray(payload.amr) && payload.amr.includes('mfa')),
    expiresMs,
  };
}

/** OpenID Connect names people in `name`; Supabase in what they wrote of themselves. */
function readName(payload: JWTPayload): string | undefined {
  const own = payload.user_metadata;
  const { full_name: fullName, name } = (typeof own === 'object' && own !== null ? own : {}) as Record<string, unknown>;
  const names = [payload.name, fullName, name].filter((text) => typeof text === 'string');
  return names.map((text) => text.trim()).find((text) => isText(text, maxName));
}

// Control characters are in no name, and a NUL is in no text that PostgreSQL keeps.
function isText(claim: unknown, maxLength: number): claim is string {
  return (
    typeof claim === 'string' &&
    claim !== '' &&
    claim.length <= maxLength &&
    !/\p{Cc}/u.test(claim) &&
    claim.isWellFormed()
  );
}
