import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** A refresh token as it is answered and as it is kept. */
export interface RefreshToken {
  readonly token: string;
  readonly hash: Buffer;
}

/**
 * The tokens of a session's family, each derived from the server's key, the family and how many came before, so that the
 * same successor can be answered twice while only hashes are kept.
 */
export interface RefreshTokens {
  issue(family: string, count: number): RefreshToken;
  /** Which token of which family it is; undefined for what was not issued under this key. */
  read(token: string): { family: string; count: number } | undefined;
}

const familyBytes = 16;
const countBytes = 4;
const macBytes = 32;

export function createRefreshTokens(key: Buffer): RefreshTokens {
  const macOf = (name: Buffer) => createHmac('sha256', key).update(name).digest();
  return {
    issue: (family, count) => {
      const name = Buffer.alloc(familyBytes + countBytes);
      name.write(family.replaceAll('-', ''), 'hex');
      name.writeUInt32BE(count, familyBytes);
      const token = Buffer.concat([name, macOf(name)]).toString('base64url');
      return { token, hash: hashToken(token) };
    },
    read: (token) => {
      const bytes = Buffer.from(token, 'base64url');
      if (bytes.length !== familyBytes + countBytes + macBytes || bytes.toString('base64url') !== token)
        return undefined;
      const name = bytes.subarray(0, familyBytes + countBytes);
      if (!timingSafeEqual(bytes.subarray(name.length), macOf(name))) return undefined;
      const family = name
        .toString('hex', 0, familyBytes)
        .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
      return { family, count: name.readUInt32BE(familyBytes) };
    },
  };
}

/** Tokens are 256 bits that nobody can guess, so a plain hash of them cannot be guessed back. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
