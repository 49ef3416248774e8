import fc from 'fast-check';
import { expect, it } from 'vitest';
import { toKeyText, toScope } from './cache-key.ts';

const text = fc.string({ unit: fc.constantFrom('1', ':', 'a', '\n'), maxLength: 4 });
const keys = fc.record({ organizationId: text, topic: text, parts: fc.array(text, { maxLength: 3 }) });

it('gives different keys different texts, whatever stands in their parts', () => {
  fc.assert(
    fc.property(keys, keys, (one, other) => {
      fc.pre(JSON.stringify(one) !== JSON.stringify(other));
      expect(toKeyText(one)).not.toBe(toKeyText(other));
    }),
    { numRuns: 2_000 },
  );
});

it('gives different topics of different organizations different scopes', () => {
  expect(toScope('1', '23')).not.toBe(toScope('12', '3'));
});
