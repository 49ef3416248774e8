import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatMicroseconds, readInstant, readTime, readUtcMicroseconds } from './read-time.ts';

describe('A text in RFC 3339', () => {
  test.each([
    ['2024-12-16T09:30:00Z', '2024-12-16T09:30:00.000Z'],
    ['2024-12-16t11:30:00.123456+02:00', '2024-12-16T09:30:00.123Z'],
    ['1969-12-31T23:59:59.9999Z', '1969-12-31T23:59:59.999Z'],
  ])('%s names %s, to the millisecond before', (text, time) => {
    expect(readTime(text)?.toISOString()).toBe(time);
  });

  test('is read to the nanosecond', () => {
    expect(readInstant('2024-12-16T09:30:00.123456789Z')?.epochNanoseconds).toBe(1_734_341_400_123_456_789n);
  });
});

test.each([
  '',
  'now',
  '2024-12-16',
  '2024-12-16T09:30:00',
  '2024-02-30T00:00:00Z',
  '2024-12-16T25:00:00Z',
  '1734341400',
])('%j names no time', (text) => {
  expect([readTime(text), readInstant(text)]).toEqual([undefined, undefined]);
});

describe('A text as machines write it', () => {
  const moments = fc.date({
    min: new Date('1685-01-01T00:00:00Z'),
    max: new Date('2254-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  });

  test('names the microsecond that it says, whatever the day', () => {
    fc.assert(
      fc.property(moments, fc.integer({ min: 0, max: 999 }), (date, more) => {
        const text = `${date.toISOString().slice(0, -1)}${String(more).padStart(3, '0')}Z`;
        const microseconds = date.getTime() * 1_000 + more;
        expect(readUtcMicroseconds(text)).toBe(microseconds);
        expect(formatMicroseconds(microseconds)).toBe(more === 0 ? date.toISOString() : text);
      }),
    );
  });

  test.each([
    ['2024-12-16T09:30:00Z', 1_734_341_400_000_000],
    ['2024-12-16T09:30:00.5Z', 1_734_341_400_500_000],
    ['2024-02-29T00:00:00.000001Z', 1_709_164_800_000_001],
    ['1900-02-28T23:59:59Z', -2_203_891_201_000_000],
  ])('%s is read whatever digits the second has', (text, microseconds) => {
    expect(readUtcMicroseconds(text)).toBe(microseconds);
  });

  test.each([
    '2023-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2024-13-01T00:00:00Z',
    '2024-00-01T00:00:00Z',
    '2024-01-00T00:00:00Z',
    '2024-04-31T00:00:00Z',
    '2024-01-01T24:00:00Z',
    '2024-01-01T00:60:00Z',
    '2024-01-01T00:00:60Z',
    '2024-01-01T00:00:00.Z',
    '2024-01-01T00:00:00.1234567Z',
    '2024-01-01T00:00:0xZ',
    '2024-01-01T00:00:00.12x4Z',
    '2024-01-01t00:00:00Z',
    '2024-01-01T00:00:00z',
    '2024-01-01T00:00:00+00:00',
    '2024/01/01T00:00:00Z',
    '20240101T000000Z',
    'x',
    '',
  ])('%j is none', (text) => {
    expect(readUtcMicroseconds(text)).toBeUndefined();
  });
});
