import { expect, test } from 'vitest';
import { createWeekClock } from './week-clock.ts';

const calendar = { timezone: 'America/Havana', firstDayOfWeek: 1 };

test('the running week turns at local midnight, although it is kept', () => {
  let now = new Date('2024-12-23T04:59:59.999Z');
  const clock = createWeekClock(() => now);
  expect(clock.resolve('current', calendar).id).toBe('2024-W51');
  expect(clock.resolve('last', calendar).id).toBe('2024-W50');
  now = new Date('2024-12-23T05:00:00Z');
  expect(clock.resolve(undefined, calendar).id).toBe('2024-W52');
  expect(clock.resolve('last', calendar).id).toBe('2024-W51');
  now = new Date('2024-12-22T05:00:00Z');
  expect(clock.current(calendar).id).toBe('2024-W51');
});

test('what is no week is refused with what is taken', () => {
  const clock = createWeekClock(() => new Date('2024-12-23T05:00:00Z'));
  expect(() => clock.resolve('2024-W53', calendar)).toThrow(
    "'2024-W53' is not a week; it takes current, last, two_weeks_ago, an ISO week such as 2024-W51, or a date YYYY-MM-DD",
  );
});
