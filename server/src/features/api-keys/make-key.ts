import { randomInt } from 'node:crypto';
import { makeOpaqueToken } from '#platform/crypto/opaque-token.ts';

/** A new API key: what is shown of it ever after, and the whole, which is shown once. */
export interface NewKey {
  /** `alm_` and 8 letters and digits. */
  readonly prefix: string;
  /** The prefix, `_` and 256 random bits in base64url. */
  readonly key: string;
}

const alphanumerics = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const prefixLength = 8;
/** The last of the 43 characters holds four bits only, so it is one of sixteen. */
const keyForm = /^alm_[0-9A-Za-z]{8}_[0-9A-Za-z_-]{42}[AEIMQUYcgkosw048]$/;

export function makeKey(): NewKey {
  const letters = Array.from({ length: prefixLength }, () => alphanumerics[randomInt(alphanumerics.length)]);
  const prefix = `alm_${letters.join('')}`;
  return { prefix, key: `${prefix}_${makeOpaqueToken()}` };
}

/** True for what `makeKey` could have made. */
export function isKey(text: string): boolean {
  return keyForm.test(text);
}
