import { expect, test } from 'vitest';
import { maskAddress } from './mask-address.ts';

test.each([
  ['grace@example.org', 'g…@example.org'],
  ['g@example.org', 'g…@example.org'],
  ['😀grace@example.org', '😀…@example.org'],
  ['"a@b"@example.org', '"…@example.org'],
])('%s is shown as %s', (email, masked) => expect(maskAddress(email)).toBe(masked));
