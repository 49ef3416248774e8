import { describe, expect, test } from 'vitest';
import {
  canonicalWeek,
  elapsedFraction,
  localTimestamp,
  parseWeek,
  sameMomentWeekBefore,
  shiftWeek,
  type WeekCalendar,
  weekAt,
  weekLabel,
  weekOfDate,
} from './weeks.ts';

const utc: WeekCalendar = { timezone: 'UTC', firstDayOfWeek: 1 };
const now = Date.parse('2024-12-18T12:00:00Z');
const hourMs = 3_600_000;
const day = (text: string) => Temporal.PlainDate.from(text);
const at = (local: string, timezone: string) =>
  Temporal.PlainDateTime.from(local).toZonedDateTime(timezone).epochMilliseconds;

test.each([
  ['2024-12-16', '2024-W51'],
  ['2024-12-30', '2025-W01'],
  ['2025-12-29', '2026-W01'],
  ['2026-12-28', '2026-W53'],
  ['2027-01-03', '2026-W53'],
  ['2027-01-04', '2027-W01'],
  ['2021-01-01', '2020-W53'],
  ['2023-01-01', '2022-W52'],
  ['1970-01-01', '1970-W01'],
])('%s lies in %s', (date, id) => {
  expect(weekOfDate(day(date), utc).id).toBe(id);
  expect(parseWeek(id, now, utc)).toEqual(weekOfDate(day(date), utc));
});

describe('A week parameter', () => {
  test.each([
    ['current', '2024-12-16'],
    ['last', '2024-12-09'],
    ['two_weeks_ago', '2024-12-02'],
    ['twoWeeksAgo', '2024-12-02'],
    ['two-weeks-ago', '2024-12-02'],
    ['2024-W51', '2024-12-16'],
    ['2020-W53', '2020-12-28'],
    ['2026-W01', '2025-12-29'],
    ['2024-12-22', '2024-12-16'],
    ['2024-02-29', '2024-02-26'],
    ['9998-12-31', '9998-12-28'],
  ])('%s is the week from %s on', (text, startDate) => {
    expect(parseWeek(text, now, utc)?.startDate).toBe(startDate);
  });

  test.each([
    '', ' ', 'W51', '2024-W00', '2024-W53', '2024-W54', '2024-W5', '2024-w51', '2024W51', '2024-W51-1', '2023-02-29',
    '2024-13-01', '2024-00-10', '2024-12-32', '2024-1-1', '24-12-16', '1969-12-31', '1969-W52', '9999-01-01', '+012024-01-01',
    'Current', 'LAST', 'this', 'toString', '__proto__', 'constructor', '2024-12-16T00:00:00Z', '2024-W51\n', 'current ',
    '２０２４-12-16', '-000001-01-01', '0000-W01',
  ])('%j is none', (text) => {
    expect(parseWeek(text, now, utc)).toBeUndefined();
  }); // biome-ignore format: the list reads better in lines

  test('has one canonical spelling: words stay words, anything else is the id', () => {
    const spell = (text: string) => {
      const week = parseWeek(text, now, utc);
      return week && canonicalWeek(text, week);
    };
    expect(['current', 'last', 'twoWeeksAgo', 'two-weeks-ago', 'two_weeks_ago'].map(spell)).toEqual([
      'current',
      'last',
      'two_weeks_ago',
      'two_weeks_ago',
      'two_weeks_ago',
    ]);
    expect(['2024-W51', '2024-12-16', '2024-12-22'].map(spell)).toEqual(['2024-W51', '2024-W51', '2024-W51']);
  });
});

describe('The length of a week', () => {
  test.each([
    ['Europe/Berlin', '2024-03-31', 167],
    ['Europe/Berlin', '2024-10-27', 169],
    ['America/New_York', '2024-03-10', 167],
    ['America/New_York', '2024-11-03', 169],
    ['Australia/Lord_Howe', '2024-04-07', 168.5],
    ['Pacific/Apia', '2011-12-30', 144],
    ['Asia/Kolkata', '2024-03-31', 168],
  ])('in %s, with %s, is %d hours', (timezone, date, hours) => {
    const week = weekOfDate(day(date), { timezone, firstDayOfWeek: 1 });
    expect((week.endMs - week.startMs) / hourMs).toBe(hours);
  });
});

const zones = [
  'UTC', 'Europe/Berlin', 'America/New_York', 'America/Havana', 'Africa/Cairo', 'Asia/Beirut', 'Pacific/Kiritimati',
  'Pacific/Apia', 'Pacific/Pago_Pago', 'Pacific/Auckland', 'Asia/Kathmandu', 'America/Asuncion', 'Pacific/Chatham',
]; // biome-ignore format: the list reads better in lines

describe.each(zones)('In %s', (timezone) => {
  const calendar = { timezone, firstDayOfWeek: 1 };

  test('23:30 on Sunday belongs to the ending week and Monday midnight to the next, all year round', () => {
    for (let sunday = day('2024-01-07'); sunday.year < 2026; sunday = sunday.add({ weeks: 1 })) {
      const ending = weekAt(at(`${sunday}T23:30`, timezone), calendar);
      expect(ending.endDate).toBe(sunday.toString());
      expect(weekAt(ending.endMs - 1, calendar)).toEqual(ending);
      expect(weekAt(ending.endMs, calendar).startDate).toBe(sunday.add({ days: 1 }).toString());
    }
  });

  test('the seven first days of the week each begin at the first moment of that local day', () => {
    for (const firstDayOfWeek of [1, 2, 3, 4, 5, 6, 7]) {
      const week = weekAt(now, { timezone, firstDayOfWeek });
      expect(day(week.startDate).dayOfWeek).toBe(firstDayOfWeek);
      expect(week.startMs).toBe(day(week.startDate).toZonedDateTime(timezone).startOfDay().epochMilliseconds);
      expect(now).toBeGreaterThanOrEqual(week.startMs);
      expect(now).toBeLessThan(week.endMs);
    }
  });
});

test.each([
  ['2024-12-16', 1, 'Dec 16 - Dec 22, 2024'],
  ['2025-12-29', 1, 'Dec 29, 2025 - Jan 4, 2026'],
  ['2024-09-30', 1, 'Sep 30 - Oct 6, 2024'],
  ['2024-12-29', 7, 'Dec 29, 2024 - Jan 4, 2025'],
])('the week from %s on is called by its days', (date, firstDayOfWeek, label) => {
  expect(weekLabel(weekOfDate(day(date), { timezone: 'Pacific/Auckland', firstDayOfWeek }))).toBe(label);
});

test('the elapsed fraction is 1 only once the week is over', () => {
  const week = weekAt(now, utc);
  expect(elapsedFraction(week, week.startMs - 1)).toBe(0);
  expect(elapsedFraction(week, week.startMs)).toBe(0);
  expect(elapsedFraction(week, now)).toBe(0.3571);
  expect(elapsedFraction(week, week.endMs - 1)).toBe(0.9999);
  expect(elapsedFraction(week, week.endMs)).toBe(1);
  expect(elapsedFraction(week, week.endMs + 1)).toBe(1);
});

describe('The same moment of the week before', () => {
  test.each([
    ['an ordinary week', '2024-12-18T12:00:00+01:00', '2024-12-11T12:00:00+01:00'],
    ['across the change to summer time', '2024-04-03T12:00:00+02:00', '2024-03-27T12:00:00+01:00'],
    ['across the change to winter time', '2024-10-30T12:00:00+01:00', '2024-10-23T12:00:00+02:00'],
    ['in an hour that was skipped: right after the gap', '2024-04-07T02:30:00+02:00', '2024-03-31T03:00:00+02:00'],
    ['in an hour that came twice: the first time', '2024-11-03T02:30:00+01:00', '2024-10-27T02:30:00+02:00'],
  ])('%s', (_name, moment, expected) => {
    expect(new Date(sameMomentWeekBefore(Date.parse(moment), 'Europe/Berlin'))).toEqual(new Date(expected));
  });

  test('on a day that never was, right after it', () => {
    const found = sameMomentWeekBefore(at('2012-01-06T10:00', 'Pacific/Apia'), 'Pacific/Apia');
    expect(found).toBe(at('2011-12-31T00:00', 'Pacific/Apia'));
  });
});

test.each([
  ['2024-12-23T09:00:00Z', '2024-12-23 09:00 AM'],
  ['2024-12-23T00:05:00Z', '2024-12-23 12:05 AM'],
  ['2024-12-23T12:00:59Z', '2024-12-23 12:00 PM'],
  ['2024-12-23T23:59:59Z', '2024-12-23 11:59 PM'],
])('%s is written as %s', (moment, text) => {
  expect(localTimestamp(Date.parse(moment), 'UTC')).toBe(text);
  expect(localTimestamp(Date.parse(moment) - 13 * hourMs, 'Pacific/Apia')).toBe(text);
});

test('shifting by weeks keeps to the calendar across a change of clocks', () => {
  const week = weekOfDate(day('2024-03-25'), { timezone: 'Europe/Berlin', firstDayOfWeek: 1 });
  expect(shiftWeek(week, 1).startMs).toBe(week.endMs);
  expect(shiftWeek(shiftWeek(week, 1), -1)).toEqual(week);
});
