import { createSecretKey } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { invalidToken } from './identity.errors.ts';

/** What an access token says. */
export interface AccessClaims {
  readonly userId: string;
  readonly sessionId: string;
  readonly organizationId: string;
  /** When it ends, in epoch milliseconds. */
  readonly expiresMs: number;
}

/** Seconds that an access token lasts. */
export const accessTokenSeconds = 900;

const issuer = 'almanac';
const algorithm = 'HS256';
/** Three parts of strict base64url (RFC 7515): a token has one spelling, so no padding, and no stray bits at an end. */
function isCompactForm(token: string): boolean {
  const parts = token.split('.');
  return parts.length === 3 && parts.every((part) => part !== '' && toBase64Url(part) === part);
}

const isId = (claim: unknown) => typeof claim === 'string' && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(claim);

const toBase64Url = (part: string) => Buffer.from(part, 'base64url').toString('base64url');

/** Signs and verifies access tokens (JWT, RFC 7519) with the installation's secret. */
export interface AccessTokens {
  sign(claims: Omit<AccessClaims, 'expiresMs'>): Promise<string>;
  /** Throws `INVALID_TOKEN` for a token that is malformed, expired, or signed by another key or algorithm. */
  verify(token: string): Promise<AccessClaims>;
}

export function createAccessTokens(secret: string, now: () => Date): AccessTokens {
  const key = createSecretKey(Buffer.from(secret, 'utf8'));
  return {
    sign: ({ userId, sessionId, organizationId }) => {
      const seconds = Math.floor(now().getTime() / 1000);
      return new SignJWT({ sid: sessionId, org: organizationId })
        .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
        .setIssuer(issuer)
        .setAudience(issuer)
        .setSubject(userId)
        .setIssuedAt(seconds)
        .setExpirationTime(seconds + accessTokenSeconds)
        .sign(key);
    },
    verify: async (token) => {
      if (token.length > 4_096 || !isCompactForm(token)) throw invalidToken('is not a JWT');
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: [algorithm],
          issuer,
          audience: issuer,
          currentDate: now(),
          requiredClaims: ['sub', 'sid', 'org', 'exp'],
        });
        if (![payload.sub, payload.sid, payload.org].every(isId)) throw invalidToken('does not verify');
        return {
          userId: String(payload.sub),
          sessionId: String(payload.sid),
          organizationId: String(payload.org),
          expiresMs: Number(payload.exp) * 1000,
        };
      } catch (error) {
        throw invalidToken(error instanceof errors.JWTExpired ? 'has expired' : 'does not verify');
      }
    },
  };
}
