import type { RateLimiter } from '#platform/limits/rate-limiter.ts';
import { tooManyInvitations } from './members.errors.ts';

const mostPerHour = 30;

/** Counts a try to invite somebody, which mails them. Throws RATE_LIMITED. */
export function limitInvitations(limiter: Pick<RateLimiter, 'take'>, organizationId: string): void {
  const verdict = limiter.take(`invitations:${organizationId}`, { perMinute: mostPerHour / 60, burst: mostPerHour });
  if (!verdict.allowed) throw tooManyInvitations(mostPerHour, verdict.retryAfterSeconds);
}

const mostAddedPerHour = 300;

/** Counts a try to add somebody at once, which tells whether they have an account. Throws RATE_LIMITED. */
export function limitAdditions(limiter: Pick<RateLimiter, 'take'>, organizationId: string): void {
  const limit = { perMinute: mostAddedPerHour / 60, burst: mostAddedPerHour };
  const verdict = limiter.take(`additions:${organizationId}`, limit);
  if (!verdict.allowed) throw tooManyInvitations(mostAddedPerHour, verdict.retryAfterSeconds);
}
