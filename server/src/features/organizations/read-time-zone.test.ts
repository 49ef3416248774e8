import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readTimeZone } from './read-time-zone.ts';

test.each([
  ['Europe/Berlin', 'Europe/Berlin'],
  ['europe/berlin', 'Europe/Berlin'],
  ['utc', 'UTC'],
  ['Asia/Calcutta', 'Asia/Calcutta'],
  ['America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
])('%s is the zone %s', (text, zone) => expect(readTimeZone(text)).toBe(zone));

test.each(['', ' ', 'Mars/Olympus', '+01:00', '-08', '2024-12-18T12:00:00[Europe/Berlin]', 'Europe/Berlin ', 'Europe'])(
  '%j is none',
  (text) => expect(readTimeZone(text)).toBeUndefined(),
);

test('every zone that the server lists is one, and reading it again changes nothing', () => {
  fc.assert(fc.property(fc.constantFrom(...Intl.supportedValuesOf('timeZone')), (zone) => readTimeZone(zone) === zone));
});
