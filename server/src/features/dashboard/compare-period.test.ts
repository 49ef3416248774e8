import { describe, expect, test } from 'vitest';
import { comparePeriods } from '#kernel/compared-periods.ts';
import { periodUntil } from '#kernel/days.ts';
import { compareCounts, toAssessmentCounts, toUserCounts } from './compare-period.ts';

const timezone = 'Europe/Berlin';
const compare = (end: string, days: number, now: string) =>
  comparePeriods(periodUntil(Temporal.PlainDate.from(end), days, timezone), { nowMs: Date.parse(now), timezone });
const untilOf = (periods: ReturnType<typeof compare>) => new Date(periods.previousUntilMs).toISOString();

describe('What a period is compared with', () => {
  test('is all of the one before, once it is over', () => {
    const periods = compare('2024-03-02', 3, '2024-03-03T00:00:00+01:00');
    expect(periods).toMatchObject({ basis: 'full_period', isComplete: true, isAhead: false });
    expect([periods.previous.startDate, periods.previous.endDate]).toEqual(['2024-02-26', '2024-02-28']);
    expect(untilOf(periods)).toBe('2024-02-28T23:00:00.000Z');
  });

  test.each([
    // Noon of a summer's day, and noon of a winter's day a week before.
    { end: '2025-04-01', days: 7, now: '2025-04-01T12:00:00+02:00', until: '2025-03-25T11:00:00.000Z' },
    // On the day of 25 hours, after the second time it was half past two.
    { end: '2025-10-26', days: 1, now: '2025-10-26T02:30:00+01:00', until: '2025-10-25T00:30:00.000Z' },
    // The day before had no half past two.
    { end: '2025-03-31', days: 1, now: '2025-03-31T02:30:00+02:00', until: '2025-03-30T01:00:00.000Z' },
    { end: '2025-03-31', days: 1, now: '2025-03-31T00:00:00+02:00', until: '2025-03-29T23:00:00.000Z' },
  ])('that ends on $end after $days days is, at $now, the part up to $until', ({ end, days, now, until }) => {
    const periods = compare(end, days, now);
    expect(periods).toMatchObject({ basis: 'same_elapsed_part', isComplete: false, isAhead: false });
    expect(untilOf(periods)).toBe(until);
  });

  test('is nothing before it has begun', () => {
    const periods = compare('2024-03-09', 7, '2024-03-02T23:59:59+01:00');
    expect(periods).toMatchObject({ isAhead: true, isComplete: false });
    const counts = compareCounts({ ...periods, isSettled: true }, { current: { n: 0 }, previous: { n: 2 } });
    expect(counts).toEqual({
      n: 0,
      previous: { n: 2 },
      change_percentage: { n: null },
      change_reason: { n: 'period_incomplete' },
    });
  });
});

test('rates have one decimal, rounded half up from the exact quotient, and are 0 of nothing', () => {
  expect(toUserCounts({ total: 80, active: 23 }).engagement_rate).toBe(28.8);
  expect(toUserCounts({ total: 150, active: 120 }).engagement_rate).toBe(80);
  expect(toUserCounts({ total: 0, active: 0 }).engagement_rate).toBe(0);
  expect(toAssessmentCounts({ total: 45, completed: 38 }).completion_rate).toBe(84.4);
});

test('a change has its percentage, or the reason why not', () => {
  const current = { grown: 3, gone: 0, new: 1, still: 0 };
  const previous = { grown: 2, gone: 4, new: 0, still: 0 };
  expect(compareCounts({ isAhead: false, isSettled: true }, { current, previous })).toEqual({
    ...current,
    previous,
    change_percentage: { grown: 50, gone: -100, new: null, still: 0 },
    change_reason: { new: 'previous_zero' },
  });
});

test('what is counted anew has no percentage, whatever it comes to meanwhile', () => {
  const numbers = { current: { half: 3, same: 2 }, previous: { half: 12, same: 2 } };
  expect(compareCounts({ isAhead: false, isSettled: false }, numbers)).toMatchObject({
    change_percentage: { half: null, same: null },
    change_reason: { half: 'period_incomplete', same: 'period_incomplete' },
  });
});
