import { AppError } from '../errors/app-error.ts';
import type { RateDecision, RateLimiter } from '../limits/rate-limiter.ts';
import { networkOf } from './client-address.ts';

/** What an address may ask that shows no right credentials: requests and the handshakes of sockets take from the same. */
export interface AddressLimit {
  /** Takes one call. */
  take(address: string): RateDecision;
  /** True where `take` would refuse; takes nothing. */
  isUsedUp(address: string): boolean;
}

/** Limits addresses by their network. Two made of the same limiter share one allowance. */
export function createAddressLimit(limiter: RateLimiter, { addressPerMinute: perMinute }: Allowance): AddressLimit {
  const keyOf = (address: string) => `address:${networkOf(address)}`;
  return {
    take: (address) => limiter.take(keyOf(address), { perMinute }),
    isUsedUp: (address) => limiter.isUsedUp(keyOf(address), { perMinute }),
  };
}

interface Allowance {
  addressPerMinute: number;
}

/** The refusal that says when to go on. */
export function tooManyCalls({ limit, retryAfterSeconds }: RateDecision): AppError {
  return new AppError({
    code: 'RATE_LIMITED',
    message: `More than ${limit} calls in a minute. Go on in ${Math.ceil(retryAfterSeconds)} s.`,
    retryAfterSeconds,
  });
}
