import { expect, test } from 'vitest';
import { hashOpaqueToken, makeOpaqueToken } from './opaque-token.ts';

test('a token is 256 bits in base64url, and never made twice', () => {
  const made = Array.from({ length: 1_000 }, makeOpaqueToken);
  for (const token of made) {
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
  }
  expect(new Set(made).size).toBe(made.length);
});

// The vector of FIPS 180-4: what is kept stays good only while the hash stays the same.
test('the hash of a token is its SHA-256', () => {
  expect(hashOpaqueToken('abc').toString('hex')).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});
