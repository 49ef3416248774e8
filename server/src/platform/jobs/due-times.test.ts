import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findLastDueTime, findNextDueTime, listDueTimes } from './due-times.ts';
import { parseSchedule } from './schedule.ts';

function list(text: string, timezone: string, [after, until]: [string, string]): string[] {
  const range = { after: new Date(after), until: new Date(until), limit: 1_000 };
  return listDueTimes(parseSchedule(text, timezone), range).map((time) => time.toISOString());
}

describe('due times', () => {
  it('go by the zone of the schedule', () => {
    expect(list('30 3 * * *', 'America/New_York', ['2026-01-10T00:00Z', '2026-01-12T00:00Z'])).toEqual([
      '2026-01-10T08:30:00.000Z',
      '2026-01-11T08:30:00.000Z',
    ]);
  });

  it('leave out where the range begins and take in where it ends', () => {
    expect(list('0 * * * *', 'UTC', ['2026-01-10T01:00Z', '2026-01-10T03:00Z'])).toEqual([
      '2026-01-10T02:00:00.000Z',
      '2026-01-10T03:00:00.000Z',
    ]);
  });

  it('move past a gap of the clock by as much as they stood into it', () => {
    expect(list('30 2 * * *', 'Europe/Berlin', ['2026-03-28T12:00Z', '2026-03-30T12:00Z'])).toEqual([
      '2026-03-29T01:30:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
    expect(list('15 2 * * *', 'Australia/Lord_Howe', ['2025-10-04T12:00Z', '2025-10-05T12:00Z'])).toEqual([
      '2025-10-04T15:45:00.000Z',
    ]);
  });

  it('come once where an hour comes twice', () => {
    expect(list('30 2 * * *', 'Europe/Berlin', ['2026-10-24T12:00Z', '2026-10-26T12:00Z'])).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
    expect(list('30 2 * * *', 'Europe/Berlin', ['2026-10-25T00:30Z', '2026-10-25T20:00Z'])).toEqual([]);
  });

  it('of every hour go by the time that passes', () => {
    const every = (range: [string, string]) => list('*/30 * * * *', 'Europe/Berlin', range).length;
    expect(every(['2026-10-24T23:00Z', '2026-10-25T03:00Z'])).toBe(8);
    expect(every(['2026-03-28T23:00Z', '2026-03-29T03:00Z'])).toBe(8);
  });

  it('take either day where day of month and day of week are both given', () => {
    expect(list('0 0 13 * 5', 'UTC', ['2026-02-01T00:00Z', '2026-02-21T00:00Z'])).toEqual([
      '2026-02-06T00:00:00.000Z',
      '2026-02-13T00:00:00.000Z',
      '2026-02-20T00:00:00.000Z',
    ]);
  });

  it('are found forward and back alike, whatever the zone and the moment', () => {
    const zones = [
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
      'America/Santiago',
    ];
    const texts = ['*/20 * * * *', '30 2 * * *', '0 0 * * 1', '45 1,2,3 * * *', '15 0 1 * *', '5 */2 * * *'];
    const moments = fc.date({ min: new Date('2025-01-01'), max: new Date('2027-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.constantFrom(...texts), moments, (zone, text, moment) => {
        const schedule = parseSchedule(text, zone);
        const next = findNextDueTime(schedule, moment);
        if (!next) throw new Error('no due time');
        expect(next.getTime()).toBeGreaterThan(moment.getTime());
        expect(findLastDueTime(schedule, new Date(0), next)).toEqual(next);
        expect(listDueTimes(schedule, { after: moment, until: next, limit: 10 })).toEqual([next]);
        const before = findLastDueTime(schedule, new Date(0), new Date(next.getTime() - 1));
        if (before) expect(findNextDueTime(schedule, before)).toEqual(next);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a schedule', () => {
  it.each(['* * *', '* * * * * *', '@daily', '61 * * * *', 'x * * * *', '0 0 L * *', '0 0 ? * *', '0 0 31 2 *', ''])(
    'refuses %j',
    (text) => expect(() => parseSchedule(text, 'UTC')).toThrow(/schedule/),
  );

  it('refuses a zone that is none', () => {
    expect(() => parseSchedule('0 0 * * *', 'Mars/Olympus')).toThrow(/Mars\/Olympus/);
  });
});
