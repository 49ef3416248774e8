import { createHmac, timingSafeEqual } from 'node:crypto';
import { hashOpaqueToken } from './opaque-token.ts';

/** A token as it is answered and as it is kept. */
export interface FamilyToken {
  readonly token: string;
  readonly hash: Buffer;
}

/**
 * The tokens of a family, such as the refresh tokens of a session: each derived from the server's key, the family and
 * how many came before, so that the same successor can be answered twice while only hashes are kept.
 */
export interface FamilyTokens {
  issue(family: string, count: number): FamilyToken;
  /** Which token of which family it is; undefined for what was not issued under this key. */
  read(token: string): { family: string; count: number } | undefined;
}

const familyBytes = 16;
const countBytes = 4;
const macBytes = 32;

export function createFamilyTokens(key: Buffer): FamilyTokens {
  const macOf = (name: Buffer) => createHmac('sha256', key).update(name).digest();
  return {
    issue: (family, count) => {
      const name = Buffer.alloc(familyBytes + countBytes);
      name.write(family.replaceAll('-', ''), 'hex');
      name.writeUInt32BE(count, familyBytes);
      const token = Buffer.concat([name, macOf(name)]).toString('base64url');
      return { token, hash: hashOpaqueToken(token) };
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
