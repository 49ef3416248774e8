import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isGuessable } from './is-guessable.ts';
import { knownSecrets, secretWords } from './known-secrets.ts';

describe('A secret is guessable', () => {
  test.each(knownSecrets)('when it stands in a tutorial: %s', (known) => {
    expect(isGuessable(known)).toBe(true);
    expect(isGuessable(known.toUpperCase())).toBe(true);
    expect(isGuessable(`${known}=`)).toBe(true);
    expect(isGuessable(`my-${known}-2024!`)).toBe(true);
  });

  test.each([
    'your-super-secret-jwt-token-with-at-least-32-characters-long',
    'super-secret-jwt-token-with-at-least-32-characters-long',
    'a-string-secret-at-least-256-bits-long',
    'your-256-bit-secret-your-256-bit-secret',
    'your_super_secret_jwt_key_change_this_in_production',
    'test-secret-at-least-256-bits-long-for-hmac-sha256-algorithm-padding',
    'MySuperSecretKeyThatIsAtLeast32CharactersLong!',
    'ThisIsMyCustomSecretKeyForAuthentication',
    'CHANGE_ME_TO_A_COMPLEX_RANDOM_SECRET',
    'YOUR_OWN_RANDOM_GENERATED_SECRET_KEY',
    'reallyreallyreallyreallyverysafe',
    'correct horse battery staple correct horse',
    'thequickbrownfoxjumpsoverthelazydog',
    'changeme changeme changeme changeme',
  ])('when it is made of the words that such secrets are made of: %s', (words) => {
    expect(isGuessable(words)).toBe(true);
  });

  test.each([
    'a'.repeat(64),
    '0'.repeat(32),
    'hunter2hunter2hunter2hunter2hunter2',
    'Tr0ub4dor&3!Tr0ub4dor&3!Tr0ub4dor&3!',
    '01234567890123456789012345678901',
    '0123456789abcdef0123456789abcdef',
    'fedcba9876543210fedcba9876543210',
    'abcdefghijklmnopqrstuvwxyz012345',
    'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef',
    'zyxwvutsrqponmlkjihgfedcba987654',
    'qwertyuiopasdfghjklzxcvbnm123456',
    '12341234abcdabcd12341234abcdabcd',
    'deadbeefdeadbeefdeadbeefdeadbeef',
    'пароль'.repeat(6),
  ])('when it is a pattern: %s', (pattern) => {
    expect(isGuessable(pattern)).toBe(true);
  });

  test('when it is any short text again and again', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 12 }), (text) => isGuessable(text.repeat(64).slice(0, 64))),
    );
  });

  test('when it is any few of the words', () => {
    const word = fc.constantFrom(...secretWords);
    const mark = fc.constantFrom('-', '_', ' ', '.');
    const few = fc.array(fc.tuple(word, mark), { minLength: 1, maxLength: 12 });
    fc.assert(fc.property(few, (parts) => isGuessable(parts.flat().join(''))));
  });
});

describe('A random secret is not guessable', () => {
  const spelled = {
    'hexadecimal of 16 bytes': { least: 16, spell: (bytes: Buffer) => bytes.toString('hex') },
    'base64 of 24 bytes': { least: 24, spell: (bytes: Buffer) => bytes.toString('base64') },
    'base64url of 32 bytes': { least: 32, spell: (bytes: Buffer) => bytes.toString('base64url') },
    'base64 of 48 bytes': { least: 48, spell: (bytes: Buffer) => bytes.toString('base64') },
    'letters, digits and marks': {
      least: 32,
      spell: (bytes: Buffer) => [...bytes].map((byte) => String.fromCharCode(33 + (byte % 94))).join(''),
    },
  };
  test.each(Object.entries(spelled))('as %s', (_name, { least, spell }) => {
    // Without bias, so that the bytes are those of a random source and not the edge cases that a property looks for.
    const bytes = fc.noBias(fc.uint8Array({ minLength: least, maxLength: least }));
    fc.assert(
      fc.property(bytes, (random) => !isGuessable(spell(Buffer.from(random)))),
      { numRuns: 3_000 },
    );
  });

  test('in letters outside of ASCII, which take several bytes each', () => {
    expect(isGuessable('жщюэфцчъыьйхзгл')).toBe(false);
  });
});
