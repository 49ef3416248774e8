import { createHash, randomBytes } from 'node:crypto';

const tokenBytes = 32;

/** A token that says nothing of itself: 256 random bits in base64url, 43 characters. */
export function makeOpaqueToken(): string {
  return randomBytes(tokenBytes).toString('base64url');
}

/** What is kept of a token of 256 bits: its SHA-256. Nobody can guess such a token, so nobody can guess the hash back. */
export function hashOpaqueToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
