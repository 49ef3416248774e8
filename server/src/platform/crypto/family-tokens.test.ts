import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFamilyTokens } from './family-tokens.ts';
import { hashOpaqueToken } from './opaque-token.ts';

const tokens = createFamilyTokens(randomBytes(32));
const families = fc.uuid();
const counts = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('A refresh token', () => {
  test('says which one of which family it is, and is the same each time it is derived', () => {
    fc.assert(
      fc.property(families, counts, (family, count) => {
        const { token, hash } = tokens.issue(family, count);
        expect(tokens.read(token)).toEqual({ family, count });
        expect(tokens.issue(family, count).token).toBe(token);
        expect(hash).toEqual(hashOpaqueToken(token));
      }),
    );
  });

  test('is nothing once a character is changed, cut off or added, nor under another key', () => {
    const other = createFamilyTokens(randomBytes(32));
    fc.assert(
      fc.property(families, fc.nat(), fc.constantFrom(...'Aa0-_=.'), (family, place, character) => {
        const { token } = tokens.issue(family, 3);
        const at = place % token.length;
        const changed = token.slice(0, at) + character + token.slice(at + 1);
        if (changed !== token) expect(tokens.read(changed)).toBeUndefined();
        for (const wrong of [token.slice(1), `${token}=`, `${token}A`, ` ${token}`, token.repeat(2)])
          expect(tokens.read(wrong)).toBeUndefined();
        expect(other.read(token)).toBeUndefined();
      }),
    );
  });

  test.each(['', 'x', '\0', 'é'.repeat(70), 'A'.repeat(70), 'x'.repeat(10_000)])('is not %j', (text) => {
    expect(tokens.read(text)).toBeUndefined();
  });
});
