import { entitlements, type Tier } from '@almanac/contract/tiers.ts';
import { AppError } from '#platform/errors/app-error.ts';
import { type CountedThing, countOf } from './count-words.ts';

interface Room {
  readonly tier: Tier;
  readonly what: CountedThing;
  readonly used: number;
  /** What is promised already and not there yet. */
  readonly promised?: number;
}

/**
 * Throws TIER_LIMIT unless the tier has room for one more. What is counted must not change before the transaction's end:
 * hold the organization's lock.
 */
export function requireRoom({ tier, what, used, promised = 0 }: Room): void {
  const limit = entitlements[tier][what];
  if (limit === null || used + promised < limit) return;
  const taken = promised === 0 ? countOf(what, used) : `${countOf(what, used)} and ${countOf('invitations', promised)}`;
  throw new AppError({
    code: 'TIER_LIMIT',
    message: `The tier ${tier} includes ${countOf(what, limit)}, and there are ${taken}. Take a larger tier at POST /users/upgrade.`,
  });
}
