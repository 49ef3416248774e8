import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shiftWeek, weekAt } from '#kernel/weeks.ts';
import { demoItemsUntil, generateDemoItems } from './generate-items.ts';

const week = weekAt(Date.parse('2024-12-18T12:00:00Z'), { timezone: 'America/New_York', firstDayOfWeek: 1 });
const items = generateDemoItems(week, 'demo');
const localTime = (text: string) => Temporal.Instant.from(text).toZonedDateTimeISO(week.calendar.timezone);

describe('The items of a demo week', () => {
  test('are the same for the same organization, week and seed, and others for another', () => {
    expect(generateDemoItems(week, 'demo')).toEqual(items);
    expect(generateDemoItems(week, 'other')).not.toEqual(items);
    expect(generateDemoItems(shiftWeek(week, 1), 'demo')).not.toEqual(items);
  });

  test('lie in the week and in working hours, wherever the organization is', () => {
    const zones = fc.constantFrom('UTC', 'Pacific/Kiritimati', 'Pacific/Pago_Pago', 'America/Havana', 'Africa/Cairo');
    const calendars = fc.record({ timezone: zones, firstDayOfWeek: fc.integer({ min: 1, max: 7 }) });
    fc.assert(
      fc.property(calendars, fc.integer({ min: 0, max: 2e12 }), (calendar, moment) => {
        const some = weekAt(moment, calendar);
        for (const { occurred_at } of generateDemoItems(some, 'demo')) {
          expect(Date.parse(occurred_at)).toBeGreaterThanOrEqual(some.startMs);
          expect(Date.parse(occurred_at)).toBeLessThan(some.endMs);
          const { hour } = Temporal.Instant.from(occurred_at).toZonedDateTimeISO(calendar.timezone);
          expect(hour).toBeGreaterThanOrEqual(8);
          expect(hour).toBeLessThanOrEqual(19);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('have the rhythm of working days', () => {
    const many = Array.from({ length: 20 }, (_, n) => generateDemoItems(shiftWeek(week, -n), 'demo')).flat();
    const byDay = Map.groupBy(many, ({ occurred_at }) => localTime(occurred_at).dayOfWeek);
    const count = (day: number) => byDay.get(day)?.length ?? 0;
    for (const weekday of [1, 2, 3, 4, 5]) expect(count(weekday)).toBeGreaterThan(10 * count(7));
    expect(count(6)).toBeGreaterThan(count(7));
  });

  test('have ids of their own, all five kinds, and resolve every review after it was begun, within ten days', () => {
    expect(new Set(items.map(({ external_id }) => external_id)).size).toBe(items.length);
    expect(new Set(items.map(({ kind }) => kind)).size).toBe(5);
    for (const { kind, occurred_at, resolved_at } of items) {
      const waited = resolved_at === null ? undefined : Date.parse(resolved_at) - Date.parse(occurred_at);
      if (kind === 'review') expect(waited).toBeGreaterThan(0);
      else expect(waited).toBeUndefined();
      expect(waited ?? 0).toBeLessThan(10 * 86_400_000);
    }
  });
});

test('by a moment, what has happened is there, and a review is open until it is resolved', () => {
  for (const hours of [0, 12, 40, 61, 100, 167, 300]) {
    const now = new Date(week.startMs + hours * 3_600_000);
    const until = demoItemsUntil(items, now);
    expect(until.length).toBe(items.filter(({ occurred_at }) => new Date(occurred_at) <= now).length);
    for (const { kind, status, resolved_at } of until.filter(({ kind }) => kind === 'review')) {
      expect({ kind, isPending: status === 'pending' }).toEqual({ kind, isPending: resolved_at === null });
      expect(new Date(resolved_at ?? 0).getTime()).toBeLessThanOrEqual(now.getTime());
    }
  }
  expect(demoItemsUntil(items, new Date(week.endMs + 11 * 86_400_000))).toEqual(items);
});
