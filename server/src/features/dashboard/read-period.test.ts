import { describe, expect, test } from 'vitest';
import { readPeriod } from './read-period.ts';

const now = { nowMs: Date.parse('2024-02-29T23:30:00Z'), timezone: 'Europe/Berlin' };

describe('A period', () => {
  test.each([
    [{}, '2024-02-24', '2024-03-01'],
    [{ period_days: 1 }, '2024-03-01', '2024-03-01'],
    [{ period_days: 366 }, '2023-03-02', '2024-03-01'],
    [{ period_start: '2024-02-29', period_end: '2024-02-29' }, '2024-02-29', '2024-02-29'],
    [{ period_start: '2024-01-01', period_end: '2024-12-31' }, '2024-01-01', '2024-12-31'],
  ])('asked for as %j goes from %s to %s', (asked, startDate, endDate) => {
    expect(readPeriod(asked, now)).toMatchObject({ startDate, endDate });
  });

  test.each([
    [{ period_start: '2024-01-01' }, 'period_end', 'is missing; period_start needs it'],
    [{ period_end: '2024-01-01' }, 'period_start', 'is missing; period_end needs it'],
    [
      { period_days: 7, period_start: '2024-01-01', period_end: '2024-01-07' },
      'period_days',
      'is given beside period_start or period_end; send one or the other',
    ],
    [
      { period_start: '2024-01-02', period_end: '2024-01-01' },
      'period_end',
      "'2024-01-01' is before period_start, '2024-01-02'",
    ],
    [
      { period_start: '2024-01-01', period_end: '2025-01-01' },
      'period_end',
      "'2025-01-01' makes a period of 367 days; at most 366 are taken",
    ],
    [
      { period_start: '2023-02-29', period_end: '2023-03-01' },
      'period_start',
      "'2023-02-29' is not a day of the years 1970 to 9998, such as 2024-12-18",
    ],
    [
      { period_start: '2024-01-01', period_end: '9999-12-31' },
      'period_end',
      "'9999-12-31' is not a day of the years 1970 to 9998, such as 2024-12-18",
    ],
  ])('asked for as %j is refused', (asked, field, issue) => {
    expect(readPeriod(asked, now)).toEqual({ field, issue });
  });
});
