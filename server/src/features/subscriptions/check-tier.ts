import { entitlements, type Tier, tiers } from '@almanac/contract/tiers.ts';
import { conflict } from '#platform/errors/app-error.ts';
import { type CountedThing, countOf } from './count-words.ts';

interface TierChange {
  readonly from: Tier;
  readonly to: Tier;
  readonly usage: Readonly<Record<CountedThing, number>>;
  readonly requiresMfa: boolean;
}

const counted: readonly CountedThing[] = ['members', 'sources'];

/** Throws CONFLICT for a smaller tier that does not include what the organization has; names all that is over. */
export function refuseTooSmall({ from, to, usage, requiresMfa }: TierChange): void {
  if (tiers.indexOf(to) >= tiers.indexOf(from)) return;
  const { [to]: included } = entitlements;
  const over = counted.flatMap((what) => {
    const limit = included[what];
    return limit === null || usage[what] <= limit ? [] : [`${countOf(what, usage[what])} where it includes ${limit}`];
  });
  if (requiresMfa && !included.required_mfa)
    over.push('a second factor asked of its members, which it does not include');
  if (over.length === 0) return;
  throw conflict(`The tier ${to} is too small for the organization: it has ${over.join('; ')}. Reduce that first.`);
}
