import { describe, expect, test } from 'vitest';
import { hashRecoveryCode, makeRecoveryCodes } from './make-recovery-codes.ts';
import { readCode } from './read-code.ts';

describe('A code of an authenticator', () => {
  test.each([
    '492039',
    '492 039',
    ' 492-039\n',
    '49 20 39',
    '492\u2011039',
    '492\u2212039',
    '\u200b492\u00a0039\ufeff',
    '４９２０３９',
    '٤٩٢٠٣٩',
    '४९२०३९',
    '𝟒𝟗𝟐𝟎𝟑𝟗',
    '4920३९',
    '492O39',
  ])('is read from %j', (typed) => {
    expect(readCode(typed)).toEqual({ kind: 'totp', text: '492039' });
  });

  test('may be typed in the digits of any script', () => {
    const digits = Array.from({ length: 0x11_0000 }, (_, point) => point)
      .filter((point) => point < 0xd800 || point > 0xdfff)
      .map((point) => String.fromCodePoint(point))
      .filter((character) => /\p{Nd}/u.test(character));
    expect(digits.length).toBeGreaterThan(600);
    expect(digits.map((digit) => readCode(digit).text).join('')).toBe('0123456789'.repeat(digits.length / 10));
  });

  test.each(['', '49203', '4920390', '49203x', '49203.', '492039'.repeat(3_500), '4'.repeat(20_000)])(
    'is not read from %.20s',
    (typed) => {
      expect(readCode(typed).kind).toBe('recovery');
    },
  );
});

describe('Recovery codes', () => {
  const codes = Array.from({ length: 500 }, makeRecoveryCodes);

  test('are ten, each other, of ten signs out of 32: 50 bits', () => {
    expect(codes.every((ten) => ten.length === 10)).toBe(true);
    const all = codes.flat();
    expect(new Set(all).size).toBe(all.length);
    expect(all.every((code) => /^[\da-hjkmnp-tv-z]{5}-[\da-hjkmnp-tv-z]{5}$/.test(code))).toBe(true);
    const signs = all.join('').replaceAll('-', '');
    const counts = Object.values(Object.groupBy(signs, (sign) => sign)).map((found) => found?.length ?? 0);
    expect(counts).toHaveLength(32);
    // Of 50,000 signs 1,562 are expected of each; six standard deviations are 233.
    for (const count of counts) expect(Math.abs(count - signs.length / 32)).toBeLessThan(240);
  });

  test('are read however they are typed, and taken for no code of an authenticator', () => {
    for (const code of codes.flat()) {
      const read = readCode(code);
      expect(read).toEqual({ kind: 'recovery', text: code.replace('-', '') });
      expect(readCode(` ${code.toUpperCase().replace('-', ' – ')} `)).toEqual(read);
      expect(readCode(code.replaceAll('0', 'O').replaceAll('1', 'l').replaceAll('v', 'U'))).toEqual(read);
    }
  });

  test('are hashed for one account, under a key', () => {
    const key = Buffer.alloc(32, 1);
    const hash = hashRecoveryCode(key, { userId: 'a', text: 'k7m2qx9w4t' });
    expect(hash).toHaveLength(32);
    expect(hashRecoveryCode(key, { userId: 'a', text: 'k7m2qx9w4t' })).toEqual(hash);
    expect(hashRecoveryCode(key, { userId: 'b', text: 'k7m2qx9w4t' })).not.toEqual(hash);
    expect(hashRecoveryCode(Buffer.alloc(32, 2), { userId: 'a', text: 'k7m2qx9w4t' })).not.toEqual(hash);
  });
});
