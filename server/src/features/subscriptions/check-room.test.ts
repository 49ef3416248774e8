import { entitlements, tiers } from '@almanac/contract/tiers.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { requireRoom } from './check-room.ts';

const whats = ['members', 'sources'] as const;

test('there is room until the limit is reached, counting what is promised', () => {
  const room = fc.record({
    tier: fc.constantFrom(...tiers),
    what: fc.constantFrom(...whats),
    used: fc.nat(60),
    promised: fc.nat(60),
  });
  fc.assert(
    fc.property(room, (asked) => {
      const isFull = asked.used + asked.promised >= (entitlements[asked.tier][asked.what] ?? Number.POSITIVE_INFINITY);
      const ask = () => requireRoom(asked);
      if (isFull) expect(ask).toThrow(expect.objectContaining({ code: 'TIER_LIMIT' }));
      else expect(ask).not.toThrow();
    }),
  );
});

test('the refusal names the limit, what there is and the way out', () => {
  expect(() => requireRoom({ tier: 'free', what: 'members', used: 2, promised: 1 })).toThrow(
    'The tier free includes 3 members, and there are 2 members and 1 open invitation. Take a larger tier at POST /users/upgrade.',
  );
  expect(() => requireRoom({ tier: 'pro', what: 'sources', used: 25 })).toThrow(
    'The tier pro includes 25 sources, and there are 25 sources. Take a larger tier at POST /users/upgrade.',
  );
});
