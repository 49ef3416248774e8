import { createHmac, randomBytes } from 'node:crypto';

/** Crockford's base32 in small letters: 32 signs that are not taken for each other. */
const signs = '0123456789abcdefghjkmnpqrstvwxyz';
const codesAtOnce = 10;
/** Five bits each: a code has 50, far more than twenty tries in fifteen minutes find. */
const signsInCode = 10;

/** Ten new recovery codes, as they are shown: `k7m2q-x9w4t`. */
export function makeRecoveryCodes(): string[] {
  return Array.from({ length: codesAtOnce }, () => {
    const code = Array.from(randomBytes(signsInCode), (byte) => signs.charAt(byte % signs.length)).join('');
    return `${code.slice(0, signsInCode / 2)}-${code.slice(signsInCode / 2)}`;
  });
}

/**
 * What the database keeps of a recovery code: without the key, those who read it cannot try out codes against it. It is
 * the user's alone: another's row does not make a code one's own. `text` is the code as `readCode` gives it.
 */
export function hashRecoveryCode(key: Buffer, { userId, text }: { userId: string; text: string }): Buffer {
  return createHmac('sha256', key).update(`${userId}:${text}`).digest();
}
