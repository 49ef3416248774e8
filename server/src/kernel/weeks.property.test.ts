import fc from 'fast-check';
import { expect, test } from 'vitest';
import { elapsedFraction, parseWeek, shiftWeek, weekAt, weekLabel, weekOfDate } from './weeks.ts';

const zones = [...Intl.supportedValuesOf('timeZone'), 'UTC'];
const calendars = fc.record({
  timezone: fc.oneof(
    fc.constantFrom(...zones),
    fc.constantFrom('America/Havana', 'Africa/Cairo', 'Asia/Beirut', 'America/St_Johns', 'Pacific/Apia'),
  ),
  firstDayOfWeek: fc.integer({ min: 1, max: 7 }),
});
const moments = fc.integer({ min: Date.UTC(1970, 0, 8), max: Date.UTC(2100, 0, 1) });
const now = Date.UTC(2024, 11, 18);

test('every moment lies in exactly one week, and weeks touch', () => {
  fc.assert(
    fc.property(calendars, moments, (calendar, moment) => {
      const week = weekAt(moment, calendar);
      expect(week.startMs).toBeLessThanOrEqual(moment);
      expect(week.endMs).toBeGreaterThan(moment);
      expect(shiftWeek(week, 1).startMs).toBe(week.endMs);
      expect(shiftWeek(week, -1).endMs).toBe(week.startMs);
      expect(weekAt(week.startMs, calendar)).toEqual(week);
      expect(weekAt(week.endMs - 1, calendar)).toEqual(week);
    }),
    { numRuns: 2_000 },
  );
});

test('a moment right beside a change of clocks lies in the week that weeks of its day are', () => {
  fc.assert(
    fc.property(calendars, moments, fc.integer({ min: -7_200_000, max: 7_200_000 }), (calendar, moment, offset) => {
      const next = Temporal.Instant.fromEpochMilliseconds(moment)
        .toZonedDateTimeISO(calendar.timezone)
        .getTimeZoneTransition('next');
      const near = (next?.epochMilliseconds ?? moment) + offset;
      const week = weekAt(near, calendar);
      expect(week.startMs).toBeLessThanOrEqual(near);
      expect(week.endMs).toBeGreaterThan(near);
    }),
    { numRuns: 2_000 },
  );
});

test('the id of a week, and each of its days, name that week', () => {
  const days = fc
    .integer({ min: 0, max: 2_932_160 })
    .map((count) => Temporal.PlainDate.from('1970-01-01').add({ days: count }));
  fc.assert(
    fc.property(calendars, days, (calendar, date) => {
      const week = weekOfDate(date, calendar);
      expect(parseWeek(week.id, now, calendar)).toEqual(week);
      expect(parseWeek(date.toString(), now, calendar)).toEqual(week);
      expect(shiftWeek(week, 1).id).not.toBe(week.id);
      expect(weekLabel(week)).toMatch(/^[A-Z][a-z]{2} \d{1,2}(, \d{4})? - [A-Z][a-z]{2} \d{1,2}, \d{4}$/);
    }),
    { numRuns: 1_000 },
  );
});

test('the elapsed fraction never falls', () => {
  fc.assert(
    fc.property(calendars, moments, fc.integer({ min: 0, max: 86_400_000 }), (calendar, moment, later) => {
      const week = weekAt(moment, calendar);
      expect(elapsedFraction(week, moment + later)).toBeGreaterThanOrEqual(elapsedFraction(week, moment));
    }),
  );
});
