import { createApiKey } from '@almanac/contract/api-keys.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isKey, makeKey } from './make-key.ts';

const base64url = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'];
const alphanumeric = base64url.slice(0, 62);
const prefixes = fc.string({ unit: fc.constantFrom(...alphanumeric), minLength: 8, maxLength: 8 });
const secrets = fc.string({ unit: fc.constantFrom(...base64url), minLength: 43, maxLength: 43 });

describe('A made key', () => {
  const made = Array.from({ length: 2_000 }, makeKey);

  test('is a key of 256 bits that begins with its prefix', () => {
    for (const { prefix, key } of made) {
      expect(prefix).toMatch(/^alm_[0-9A-Za-z]{8}$/);
      expect(key.startsWith(`${prefix}_`)).toBe(true);
      expect(Buffer.from(key.slice(prefix.length + 1), 'base64url')).toHaveLength(32);
      expect(isKey(key)).toBe(true);
    }
  });

  test('is never made twice, and draws its prefix from all letters and digits', () => {
    expect(new Set(made.map(({ key }) => key.slice(13))).size).toBe(made.length);
    expect(new Set(made.flatMap(({ prefix }) => [...prefix.slice(4)])).size).toBe(62);
  });
});

describe('Taken as a key', () => {
  test('is the example of the documentation', () => {
    expect(isKey(createApiKey.example.response.key)).toBe(true);
  });

  test('is the one spelling of any 256 bits, and no other that reads as the same bits', () => {
    fc.assert(
      fc.property(prefixes, fc.uint8Array({ minLength: 32, maxLength: 32 }), (prefix, bytes) =>
        isKey(`alm_${prefix}_${Buffer.from(bytes).toString('base64url')}`),
      ),
    );
    fc.assert(
      fc.property(prefixes, secrets, (prefix, secret) => {
        const spelled = Buffer.from(secret, 'base64url').toString('base64url');
        expect(isKey(`alm_${prefix}_${secret}`)).toBe(spelled === secret);
      }),
    );
  });

  test('is nothing longer or shorter, and nothing with a character of another alphabet', () => {
    const { key } = makeKey();
    for (let length = 0; length < key.length; length += 1) expect(isKey(key.slice(0, length))).toBe(false);
    fc.assert(
      fc.property(fc.nat(key.length), fc.nat(0xffff), (index, code) => {
        const unit = String.fromCharCode(code);
        fc.pre(!base64url.includes(unit));
        return !isKey(key.slice(0, index) + unit + key.slice(index));
      }),
    );
    for (const other of [`${key}A`, `${key}\n`, ` ${key}`, key.repeat(200), key.toUpperCase()]) {
      expect(isKey(other)).toBe(false);
    }
  });
});
