import { describe, expect, test } from 'vitest';
import { refuseTooSmall } from './check-tier.ts';

const little = { members: 3, sources: 3 };
const much = { members: 26, sources: 4 };

describe('A smaller tier', () => {
  test('is taken where all fits', () => {
    refuseTooSmall({ from: 'enterprise', to: 'free', usage: little, requiresMfa: false });
    refuseTooSmall({ from: 'enterprise', to: 'pro', usage: { members: 25, sources: 25 }, requiresMfa: false });
  });

  test('is refused with everything that is over', () => {
    expect(() => refuseTooSmall({ from: 'enterprise', to: 'free', usage: much, requiresMfa: true })).toThrow(
      'The tier free is too small for the organization: it has 26 members where it includes 3; 4 sources where it ' +
        'includes 3; a second factor asked of its members, which it does not include. Reduce that first.',
    );
    expect(() => refuseTooSmall({ from: 'enterprise', to: 'pro', usage: much, requiresMfa: false })).toThrow(
      expect.objectContaining({ code: 'CONFLICT', message: expect.stringContaining('it has 26 members where') }),
    );
  });
});

test('a larger tier is always taken, however much there is', () => {
  refuseTooSmall({ from: 'free', to: 'pro', usage: much, requiresMfa: false });
  refuseTooSmall({ from: 'pro', to: 'enterprise', usage: much, requiresMfa: true });
});
