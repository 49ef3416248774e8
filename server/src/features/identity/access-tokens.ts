import type { Role } from '@almanac/contract/permissions.ts';
import { isId, newId } from '#kernel/ids.ts';
import { createTokenSigner, type SigningKey } from '#platform/crypto/sign-tokens.ts';
import { invalidMfaToken, invalidToken } from './identity.errors.ts';

/** What an access token says. The role in it informs its bearer: rights come from the database, so none is read back. */
export interface AccessClaims {
  readonly userId: string;
  readonly sessionId: string;
  readonly organizationId: string;
  /** When it ends, in epoch milliseconds. */
  readonly expiresMs: number;
}

/** What a token between password and second factor says. */
export interface MfaClaims {
  readonly id: string;
  readonly userId: string;
  /** When the password was right, in epoch milliseconds, so that a change of password after it can be told. */
  readonly issuedMs: number;
}

/** Seconds that an access token lasts. */
export const accessTokenSeconds = 900;
const mfaTokenSeconds = 300;
const accessAudience = 'almanac';
const mfaAudience = 'almanac/mfa';

/** Signs and verifies the tokens of signing in. One kind is never taken for the other. */
export interface AccessTokens {
  sign(claims: Omit<AccessClaims, 'expiresMs'> & { role: Role }): Promise<string>;
  /** Throws `INVALID_TOKEN` for a token that is malformed, expired, or signed by another key or algorithm. */
  verify(token: string): Promise<AccessClaims>;
  /** A token for the second step of signing in, for five minutes. */
  signMfaToken(claims: { userId: string }): Promise<string>;
  /** Throws `INVALID_TOKEN` as `verify` does. */
  verifyMfaToken(token: string): Promise<MfaClaims>;
}

/** Makes the tokens of signing in. With a key pair EdDSA alone is taken, with a secret HS256 alone. */
export function createAccessTokens({ now, ...key }: SigningKey & { now: () => Date }): AccessTokens {
  const signer = createTokenSigner(key, now);
  return {
    sign: ({ userId, sessionId, organizationId, role }) => {
      const claims = { sub: userId, sid: sessionId, org: organizationId, role };
      return signer.sign({ audience: accessAudience, lifeSeconds: accessTokenSeconds, claims });
    },
    verify: async (token) => {
      const reading = await signer.verify(token, accessAudience);
      if ('fault' in reading) throw invalidToken(whyNot[reading.fault]);
      const { sub, sid, org } = reading.claims;
      if (!isId(sub) || !isId(sid) || !isId(org)) throw invalidToken(whyNot.unverified);
      return { userId: sub, sessionId: sid, organizationId: org, expiresMs: reading.expiresMs };
    },
    signMfaToken: ({ userId }) => {
      const claims = { sub: userId, jti: newId(), iat_ms: now().getTime() };
      return signer.sign({ audience: mfaAudience, lifeSeconds: mfaTokenSeconds, claims });
    },
    verifyMfaToken: async (token) => {
      const reading = await signer.verify(token, mfaAudience);
      if ('fault' in reading) throw invalidMfaToken();
      const { sub, jti, iat_ms: issuedMs } = reading.claims;
      if (!isId(sub) || !isId(jti) || !isMoment(issuedMs)) throw invalidMfaToken();
      return { id: jti, userId: sub, issuedMs };
    },
  };
}

const whyNot = { malformed: 'is not a JWT', unverified: 'does not verify', expired: 'has expired' } as const;

const isMoment = (claim: unknown): claim is number => Number.isSafeInteger(claim);
