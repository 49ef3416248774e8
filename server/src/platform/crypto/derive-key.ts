import { hkdfSync } from 'node:crypto';

/** Derives 32 bytes for one purpose from a secret (HKDF-SHA-256, RFC 5869), so that no two purposes share a key. */
export function deriveKey(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', purpose, 32));
}
