import { describe, expect, test } from 'vitest';
import { dayAt, eachDay, periodBefore, periodUntil, sameMomentBefore } from './days.ts';

const day = (text: string) => Temporal.PlainDate.from(text);
const hours = ({ startMs, endMs }: { startMs: number; endMs: number }) => (endMs - startMs) / 3_600_000;

describe('A period of days', () => {
  test.each([
    ['2025-03-30', 'Europe/Berlin', 23],
    ['2025-10-26', 'Europe/Berlin', 25],
    ['2025-04-06', 'Australia/Lord_Howe', 24.5],
    ['2025-03-29', 'Europe/Berlin', 24],
  ])('of %s in %s has %d hours', (text, timezone, length) => {
    expect(hours(periodUntil(day(text), 1, timezone))).toBe(length);
  });

  test('goes over the end of a month, of a year and the leap day', () => {
    const leap = periodUntil(day('2024-03-01'), 3, 'Europe/Berlin');
    expect([leap.startDate, leap.endDate, leap.days]).toEqual(['2024-02-28', '2024-03-01', 3]);
    const before = periodBefore(periodUntil(day('2025-01-03'), 7, 'UTC'), 'UTC');
    expect([before.startDate, before.endDate]).toEqual(['2024-12-21', '2024-12-27']);
  });

  test('ends where the next one begins', () => {
    const period = periodUntil(day('2025-04-02'), 7, 'Europe/Berlin');
    expect(periodBefore(period, 'Europe/Berlin').endMs).toBe(period.startMs);
    expect(new Date(period.startMs).toISOString()).toBe('2025-03-26T23:00:00.000Z');
    expect(new Date(period.endMs).toISOString()).toBe('2025-04-02T22:00:00.000Z');
  });
});

test.each([
  ['2024-12-31T23:30:00Z', 'Pacific/Auckland', '2025-01-01'],
  ['2024-12-31T23:30:00Z', 'America/Los_Angeles', '2024-12-31'],
])('%s lies in %s on %s', (time, timezone, expected) => {
  expect(dayAt(Date.parse(time), timezone).toString()).toBe(expected);
});

test.each([
  ['2025-04-02T12:00:00+02:00', 7, '2025-03-26T12:00:00+01:00'],
  ['2025-03-31T02:30:00+02:00', 1, '2025-03-30T03:00:00+02:00'],
  ['2025-10-27T02:30:00+01:00', 1, '2025-10-26T02:30:00+02:00'],
])('the moment of %s, %d days before, is %s in Berlin', (time, days, expected) => {
  expect(sameMomentBefore(Date.parse(time), days, 'Europe/Berlin')).toBe(Date.parse(expected));
});

test('the days of a period follow each other, the one on which clocks change with its own length', () => {
  const days = eachDay({ startDate: '2025-03-29', days: 3 }, 'Europe/Berlin');
  expect(days.map(({ startDate }) => startDate)).toEqual(['2025-03-29', '2025-03-30', '2025-03-31']);
  expect(days.map(({ startMs, endMs }) => (endMs - startMs) / 3_600_000)).toEqual([24, 23, 24]);
  expect(days.slice(1).map(({ startMs }) => startMs)).toEqual(days.slice(0, -1).map(({ endMs }) => endMs));
});
