import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashPassword, isPassword } from './hash-password.ts';
import { refuseWeakPassword } from './refuse-common.ts';

const refuse = (password: string, email = 'ada@example.org') =>
  refuseWeakPassword(password, { field: 'password', email }).then(
    () => undefined,
    (error: { faults: readonly { field: string; issue: string }[] }) => error.faults[0],
  );

describe('A password', () => {
  test.each(['password', 'PassWord', '12345678', 'iloveyou', 'trustno1', 'qwertyuiop', 'sunshine', 'password1'])(
    '%s is too common, in any case',
    async (password) => {
      expect(await refuse(password)).toEqual({
        field: 'password',
        issue: 'is one of the most common passwords; choose another',
      });
    },
  );

  test('is not the account’s own address', async () => {
    expect((await refuse('Ada@Example.org'))?.issue).toContain('is the e-mail address');
  });

  test('is counted in characters as it is hashed, 8 to 128 of them', async () => {
    // One ligature becomes three letters, two halves of a letter one.
    expect(await refuse('ﬃﬃﬃ')).toBeUndefined();
    expect((await refuse('é'.normalize('NFD').repeat(7)))?.issue).toContain('has 7 characters');
    expect(await refuse('é'.normalize('NFD').repeat(8))).toBeUndefined();
    expect((await refuse('x'.repeat(129)))?.issue).toContain('has 129 characters');
    expect((await refuse('ﷺ'.repeat(8)))?.issue).toContain('characters; it takes 8 to 128');
  });

  test('of random letters is taken', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 12, maxLength: 40 }), async (bytes) => {
        expect(await refuse(Buffer.from(bytes).toString('base64'))).toBeUndefined();
      }),
    );
  });

  test('verifies however it was typed, and no other does', async () => {
    const hash = await hashPassword('pässwörd ﬁve');
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await isPassword(hash, 'pässwörd ﬁve'.normalize('NFD'))).toBe(true);
    expect(await isPassword(hash, 'Pässwörd ﬁve')).toBe(false);
    expect(await isPassword(undefined, 'pässwörd ﬁve')).toBe(false);
  });
});
