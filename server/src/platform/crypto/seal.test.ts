import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deriveKey } from './derive-key.ts';
import { createSealer } from './seal.ts';

const { seal, open } = createSealer('a secret of the installation, long enough');

describe('A sealed text', () => {
  test('opens where it was sealed for', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string(),
        (text, row) => open(seal(text, row), row) === text.toWellFormed(),
      ),
    );
  });

  test('opens nowhere else, under no other key and not when a bit of it is changed', () => {
    const sealed = seal('JBSWY3DPEHPK3PXP', 'user:1');
    expect(() => open(sealed, 'user:2')).toThrow();
    expect(() => createSealer('another secret of the installation').open(sealed, 'user:1')).toThrow();
    const bytes = Buffer.from(sealed.slice(3), 'base64url');
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
      expect(() => open(`v1.${changed.toString('base64url')}`, 'user:1')).toThrow();
    }
    for (const none of ['', 'v1.', 'v2.x', 'JBSWY3DPEHPK3PXP', 'v1.AAAA']) expect(() => open(none, 'user:1')).toThrow();
  });

  test('is never the same twice and shows nothing of the text', () => {
    expect(seal('secret', 'row')).not.toBe(seal('secret', 'row'));
    expect(seal('secret', 'row')).not.toContain('secret');
  });
});

test('keys of two purposes have nothing in common', () => {
  expect(deriveKey('secret', 'one')).toHaveLength(32);
  expect(deriveKey('secret', 'one')).not.toEqual(deriveKey('secret', 'two'));
  expect(deriveKey('secret', 'one')).toEqual(deriveKey('secret', 'one'));
});
