import { errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import { isCompactToken, readTokenPart } from '#platform/crypto/compact-token.ts';
import { AppError } from '#platform/errors/app-error.ts';
import type { IssuerKeys, NamedIssuer } from './fetch-keys.ts';
import type { KeyHolder } from './hold-keys.ts';
import { invalidToken } from './issuers.errors.ts';
import { type OutsideClaims, readClaims } from './read-claims.ts';

/** Signatures that anybody can verify and the issuer alone can make. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** An issuer signs other things by the same keys, such as logouts, and says so here. */
const types: readonly unknown[] = [undefined, 'jwt', 'at+jwt', 'application/at+jwt'];
const leewaySeconds = 30;
const maxLength = 8_192;
const maxKeyId = 256;

interface Verification {
  named: NamedIssuer;
  keys: KeyHolder;
  now: () => Date;
}

/**
 * Verifies a token by its issuer's keys: never by a key or address that the token itself brings. Throws INVALID_TOKEN, or
 * ISSUER_UNAVAILABLE where the keys cannot be had.
 */
export async function verifyToken(token: string, { named, keys, now }: Verification): Promise<OutsideClaims> {
  if (!isCompactToken(token, maxLength)) throw invalidToken('is not a JWT');
  if (!isHeaderTaken(token)) throw invalidToken('does not verify');
  const verifyBy = ({ find, issuer }: IssuerKeys) => {
    const asked = { issuer, audience: named.audience, algorithms, currentDate: now(), clockTolerance: leewaySeconds };
    return verifyByEach(token, find, { ...asked, requiredClaims: ['sub', 'exp'] });
  };
  const known = await keys.get();
  try {
    const payload = await verifyBy(known).catch(async (error: unknown) => {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      const newer = await keys.getNewer();
      if (newer === known) throw error;
      return await verifyBy(newer);
    });
    const claims = readClaims(payload.iss ?? '', payload);
    if (!claims) throw invalidToken('does not verify');
    return claims;
  } catch (error) {
    throw toAnswer(error);
  }
}

/** The issuer that a token claims to be of; nothing of it is verified. */
export function readClaimedIssuer(token: string): string | undefined {
  const [, payload, , ...more] = token.length <= maxLength ? token.split('.', 4) : [];
  if (payload === undefined || more.length > 0) return undefined;
  const issuer = readTokenPart(payload)?.iss;
  return typeof issuer === 'string' ? issuer : undefined;
}

async function verifyByEach(token: string, find: JWTVerifyGetKey, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, find, options)).payload;
  } catch (fault) {
    if (!(fault instanceof errors.JWKSMultipleMatchingKeys)) throw fault;
    for await (const key of fault) {
      const verified = await jwtVerify(token, key, options).catch(passExpired);
      if (verified) return verified.payload;
    }
    throw fault;
  }
}

/** Of the keys that a token might be signed by, only the one that it is signed by finds it expired. */
function passExpired(fault: unknown): undefined {
  if (fault instanceof errors.JWTExpired) throw fault;
}

/** What is wrong with a token, or its key, is the caller's to hear only in general. */
function toAnswer(fault: unknown): AppError {
  if (fault instanceof AppError) return fault;
  return invalidToken(fault instanceof errors.JWTExpired ? 'has expired' : 'does not verify');
}

function isHeaderTaken(token: string): boolean {
  const header = readTokenPart(token.split('.')[0] ?? '');
  if (!header || 'crit' in header || 'b64' in header) return false;
  const { kid, typ } = header;
  const isNamed = kid === undefined || (typeof kid === 'string' && kid.length <= maxKeyId);
  return isNamed && types.includes(typeof typ === 'string' ? typ.toLowerCase() : typ);
}
