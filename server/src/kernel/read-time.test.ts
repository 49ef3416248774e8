import { describe, expect, test } from 'vitest';
import { readInstant, readTime } from './read-time.ts';

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
