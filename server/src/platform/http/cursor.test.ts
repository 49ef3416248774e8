import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deriveKey } from '../crypto/derive-key.ts';
import { createCursors, type Position, toPage } from './cursor.ts';

const { seal, open } = createCursors(deriveKey('a secret of the installation, long enough', 'cursors'));
const position = fc.array(
  fc.oneof(
    fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
    fc.integer(),
  ),
);
const list = fc.string();
const refused = expect.objectContaining({
  code: 'VALIDATION_ERROR',
  message: expect.stringMatching(/^cursor: is not one/),
});

describe('A cursor', () => {
  test('opens to the position it was sealed with, in the list it was sealed for', () => {
    fc.assert(
      fc.property(list, position, (name, sealed) => void expect(open(name, seal(name, sealed))).toEqual(sealed)),
    );
  });

  test('opens in no other list', () => {
    fc.assert(
      fc.property(list, list, position, (name, other, sealed) => {
        fc.pre(name !== other);
        expect(() => open(other, seal(name, sealed))).toThrow(refused);
      }),
    );
  });

  test('is refused with any bit changed, cut off or added', () => {
    const bytes = Buffer.from(seal('audit', ['2024-12-16', 7]), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(() => open('audit', changed.toString('base64url'))).toThrow(refused);
    }
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => open('audit', bytes.subarray(0, length).toString('base64url'))).toThrow(refused);
    }
    expect(() => open('audit', Buffer.concat([bytes, Buffer.from(' ')]).toString('base64url'))).toThrow(refused);
  });

  test('is taken in one spelling alone', () => {
    // 16 bytes of signature and 3 of `[1]`: the last letter has bits that decoding would drop.
    const sealed = seal('audit', [1]);
    const last = sealed.at(-1) ?? '';
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const stray = `${sealed.slice(0, -1)}${letters[letters.indexOf(last) + 1]}`;
    expect(Buffer.from(stray, 'base64url')).toEqual(Buffer.from(sealed, 'base64url'));
    const wrapped = `${sealed.slice(0, 4)}\n${sealed.slice(4)}`;
    for (const other of [stray, `${sealed}=`, `${sealed}==`, ` ${sealed}`, wrapped, `${sealed}!`]) {
      expect(() => open('audit', other)).toThrow(refused);
    }
  });

  test('is refused where anything else is sent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => void expect(() => open('audit', text)).toThrow(refused)),
    );
  });

  test('of another installation is refused', () => {
    const other = createCursors(deriveKey('the secret of another installation', 'cursors'));
    expect(() => other.open('audit', seal('audit', [1]))).toThrow(refused);
  });
});

test('pages of any size, one after the other, are the list', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer()), fc.integer({ min: 1, max: 7 }), (numbers, limit) => {
      const sorted = numbers.toSorted((a, b) => a - b);
      const read = (cursor: string | null) => {
        const [after] = cursor === null ? [] : open<readonly [number] & Position>('numbers', cursor);
        const rows = sorted.filter((number) => after === undefined || number > after).slice(0, limit + 1);
        return toPage(rows, limit, (last) => seal('numbers', [last]));
      };
      const pages = [read(null)];
      for (let page = pages[0]; page?.next_cursor; page = pages.at(-1)) pages.push(read(page.next_cursor));
      expect(pages.flatMap(({ items }) => items)).toEqual(sorted);
      expect(pages).toHaveLength(Math.max(1, Math.ceil(sorted.length / limit)));
    }),
  );
});
