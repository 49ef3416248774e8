import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { computeCode, findStep } from './find-step.ts';

/** `12345678901234567890`, the secret of RFC 6238's appendix B, in base32. */
const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

/** Appendix B has eight digits; six are the last of them. */
test.each([
  [59, '94287082'],
  [1_111_111_109, '07081804'],
  [1_111_111_111, '14050471'],
  [1_234_567_890, '89005924'],
  [2_000_000_000, '69279037'],
  [20_000_000_000, '65353130'],
])('RFC 6238: %i s after the epoch the code is that of the test vector', (seconds, code) => {
  const step = Math.floor(seconds / 30);
  expect(computeCode(secret, step)).toBe(code.slice(-6));
  expect(findStep({ secret, code: code.slice(-6), at: new Date(seconds * 1000) })).toBe(step);
});

describe('The code of a step', () => {
  test('is found from 30 s before the step begins until 30 s after it has ended, and at no other time', () => {
    const step = 57_819_000;
    const begins = step * 30_000;
    const code = computeCode(secret, step);
    const isFoundAt = (ms: number) => findStep({ secret, code, at: new Date(ms) }) === step;
    const times = [-30_001, -30_000, 0, 29_999, 30_000, 59_999, 60_000].map((ms) => isFoundAt(begins + ms));
    expect(times).toEqual([false, true, true, true, true, true, false]);
  });

  test('is not found under another secret', () => {
    const at = new Date('2024-12-18T12:00:00Z');
    const code = computeCode(secret, Math.floor(at.getTime() / 30_000));
    expect(findStep({ secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', code, at })).toBeUndefined();
  });

  test('of any time is found at that time', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(60_000), noInvalidDate: true }), (at) => {
        const step = Math.floor(at.getTime() / 30_000);
        const found = findStep({ secret, code: computeCode(secret, step), at });
        // One time in a million the step after has the same digits.
        return found === step || computeCode(secret, found ?? -1) === computeCode(secret, step);
      }),
    );
  });
});
