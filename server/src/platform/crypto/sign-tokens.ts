import { createHash, createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { isCompactToken, readExpiry } from './compact-token.ts';

/** What tokens are signed with: a secret (HS256), or the PEM of an Ed25519 private key (EdDSA). */
export type SigningKey = { readonly secret: string } | { readonly privateKey: string };

/** The public half of a key pair, as others verify by it (JWK, RFC 7517 and 8037). */
export interface PublicKey {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly kid: string;
  readonly alg: 'EdDSA';
  readonly use: 'sig';
}

interface SigningRequest {
  audience: string;
  lifeSeconds: number;
  claims: Readonly<Record<string, unknown>>;
}

/** What a token of ours says, and when it ends in epoch milliseconds; or why it says nothing. */
export type TokenReading =
  | { readonly claims: JWTPayload; readonly expiresMs: number }
  | { readonly fault: 'malformed' | 'unverified' | 'expired' };

/** Signs and verifies this installation's own tokens (JWT, RFC 7519), of one algorithm. */
export interface TokenSigner {
  sign(request: SigningRequest): Promise<string>;
  verify(token: string, audience: string): Promise<TokenReading>;
}

const issuer = 'almanac';
const maxLength = 4_096;

/**
 * Makes the signer. Only what `sign` itself could have written verifies: the header letter for letter, so that no
 * algorithm, key id or demand can be chosen by the caller, and a payload in the one spelling that JSON.stringify gives.
 */
export function createTokenSigner(key: SigningKey, now: () => Date): TokenSigner {
  const { header, signing, verifying } = 'secret' in key ? useSecret(key.secret) : usePair(key.privateKey);
  const firstPart = Buffer.from(JSON.stringify(header)).toString('base64url');
  return {
    sign: ({ audience, lifeSeconds, claims }) => {
      const seconds = Math.floor(now().getTime() / 1000);
      return new SignJWT({ ...claims })
        .setProtectedHeader(header)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt(seconds)
        .setExpirationTime(seconds + lifeSeconds)
        .sign(signing);
    },
    verify: async (token, audience) => {
      if (!isCompactToken(token, maxLength)) return { fault: 'malformed' };
      if (!token.startsWith(`${firstPart}.`) || !isOurSpelling(token)) return { fault: 'unverified' };
      const options = { algorithms: [header.alg], issuer, currentDate: now(), requiredClaims: ['sub', 'exp'] };
      try {
        const { payload: claims } = await jwtVerify(token, verifying, options);
        const expiresMs = Number.isInteger(claims.exp) ? readExpiry(claims.exp) : undefined;
        return claims.aud === audience && expiresMs !== undefined ? { claims, expiresMs } : { fault: 'unverified' };
      } catch (error) {
        return { fault: error instanceof errors.JWTExpired ? 'expired' : 'unverified' };
      }
    },
  };
}

interface KeyUse {
  header: { alg: 'HS256' | 'EdDSA'; typ: 'JWT'; kid?: string };
  signing: KeyObject;
  verifying: KeyObject;
}

/** What others verify tokens by that are signed with the key; none for a secret. */
export function readPublicKeys(key: SigningKey): PublicKey[] {
  return 'secret' in key ? [] : [describePublicKey(createPublicKey(key.privateKey))];
}

function describePublicKey(key: KeyObject): PublicKey {
  const x = key.export({ format: 'jwk' }).x ?? '';
  // The thumbprint of RFC 7638: the members that make the key, in the order of their names.
  const kid = createHash('sha256')
    .update(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }))
    .digest('base64url');
  return { kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'EdDSA', use: 'sig' };
}

function useSecret(secret: string): KeyUse {
  const key = createSecretKey(Buffer.from(secret, 'utf8'));
  return { header: { alg: 'HS256', typ: 'JWT' }, signing: key, verifying: key };
}

function usePair(pem: string): KeyUse {
  const signing = createPrivateKey(pem);
  const verifying = createPublicKey(signing);
  const { kid } = describePublicKey(verifying);
  return { header: { alg: 'EdDSA', typ: 'JWT', kid }, signing, verifying };
}

/** False for a member that stands twice, and for numbers and texts spelled otherwise than we do. */
function isOurSpelling(token: string): boolean {
  const text = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
  try {
    return JSON.stringify(JSON.parse(text)) === text;
  } catch {
    return false;
  }
}
