import { timingSafeEqual } from 'node:crypto';
import { generateSync } from 'otplib';

const periodSeconds = 30;

/** The six digits of a time step (RFC 6238 with SHA-1, the form that every authenticator knows). */
export function computeCode(secret: string, step: number): string {
  return generateSync({ secret, algorithm: 'sha1', digits: 6, period: periodSeconds, epoch: step * periodSeconds });
}

/**
 * The time step whose code it is, out of the one of the moment, the one before and the one after (RFC 6238, 5.2: for
 * slow hands, and clocks that are apart); undefined for none of them. `secret` is base32, `code` six ASCII digits.
 */
export function findStep({ secret, code, at }: { secret: string; code: string; at: Date }): number | undefined {
  const current = Math.floor(at.getTime() / 1000 / periodSeconds);
  const given = Buffer.from(code);
  let found: number | undefined;
  // Always all three, so that the time it takes tells nothing.
  for (const step of [current - 1, current, current + 1]) {
    if (timingSafeEqual(Buffer.from(computeCode(secret, step)), given)) found = step;
  }
  return found;
}
