import { describe, expect, test } from 'vitest';
import { measureBlocks, mergeReadings, toBuckets } from './merge-readings.ts';
import type { MetricDraft, ProcessReading } from './system.store.ts';

const resetAt = new Date('2024-12-01T00:00:00Z');

describe('The blocks between two checks', () => {
  test.each([
    ['grew', { hits: 1_900, reads: 200, resetAt }, { hits: 900, blocks: 1_000 }],
    ['stood still', { hits: 1_000, reads: 100, resetAt }, { hits: 0, blocks: 0 }],
    ['were set to nothing', { hits: 40, reads: 10, resetAt: new Date() }, { hits: 40, blocks: 50 }],
    [
      'were set to nothing and grew past where they were',
      { hits: 5_000, reads: 500, resetAt: new Date() },
      { hits: 5_000, blocks: 5_500 },
    ],
    ['were lost with a crash', { hits: 40, reads: 10, resetAt }, { hits: 40, blocks: 50 }],
    ['were lost, and are told of no reset', { hits: 1_200, reads: 10, resetAt: null }, { hits: 1_200, blocks: 1_210 }],
  ])('are known where the counters %s', (_what, now, expected) => {
    expect(measureBlocks(now, { hits: 1_000, reads: 100, resetAt })).toEqual(expected);
  });

  test('are unknown at the first check', () => {
    expect(measureBlocks({ hits: 1_000, reads: 100, resetAt }, undefined)).toEqual({ hits: 0, blocks: 0 });
  });
});

const reading = (figures: Partial<ProcessReading> = {}): ProcessReading => ({
  ...{ requests: [], caches: [], sockets: 0, slowQueries: 0, eventLoop: { windows: 0, p99Sum: 0, max: 0 } },
  ...figures,
});
const at = (time: string) => new Date(`2024-12-18T${time}Z`);

describe('The readings of all processes', () => {
  test('are nothing where no process told', () => {
    expect(mergeReadings([])).toEqual({
      ...{ metrics: [], requests: 0, failedRequests: 0, eventLoop: null, sockets: null, slowQueries: 0 },
    });
  });

  test('have the sockets of each process as it told last', () => {
    const merged = mergeReadings([
      { processId: 'a', at: at('12:00:30'), reading: reading({ sockets: 9 }) },
      { processId: 'b', at: at('12:00:40'), reading: reading({ sockets: 5 }) },
      { processId: 'a', at: at('12:01:00'), reading: reading({ sockets: 2 }) },
    ]);
    expect(merged.sockets).toBe(7);
  });

  test('have the mean delay of all windows, and the longest', () => {
    const merged = mergeReadings([
      { processId: 'a', at: at('12:00:30'), reading: reading({ eventLoop: { windows: 30, p99Sum: 60, max: 8 } }) },
      { processId: 'b', at: at('12:00:30'), reading: reading({ eventLoop: { windows: 10, p99Sum: 340, max: 90 } }) },
    ]);
    expect(merged.eventLoop).toEqual({ meanMs: 10, maxMs: 90 });
  });

  test('have no delay of less than half a minute, as after a start', () => {
    const started = reading({ eventLoop: { windows: 29, p99Sum: 2_900, max: 400 } });
    expect(mergeReadings([{ processId: 'a', at: at('12:00:30'), reading: started }]).eventLoop).toBeNull();
  });

  test('count requests where they were told, the errors of an endpoint only where it has some', () => {
    const requests = (endpoint: string, failed: number) => ({
      ...{ endpoint, count: 10, failed, sumMs: 100, histogram: [10, 0] },
    });
    const merged = mergeReadings([
      { processId: 'a', at: at('12:04:59'), reading: reading({ requests: [requests('GET /a', 0)] }) },
      {
        processId: 'a',
        at: at('12:05:00'),
        reading: reading({ requests: [requests('GET /a', 0), requests('GET /b', 5)] }),
      },
    ]);
    expect(merged).toMatchObject({ requests: 30, failedRequests: 5 });
    const named = merged.metrics.map(
      ({ at: told, metricType, endpoint, samples }) => `${told.toISOString()} ${metricType} ${endpoint} ${samples}`,
    );
    expect(named).toEqual([
      '2024-12-18T12:00:00.000Z response_time null 10',
      '2024-12-18T12:00:00.000Z error_rate null 10',
      '2024-12-18T12:00:00.000Z response_time GET /a 10',
      '2024-12-18T12:05:00.000Z response_time null 20',
      '2024-12-18T12:05:00.000Z error_rate null 20',
      '2024-12-18T12:05:00.000Z response_time GET /a 10',
      '2024-12-18T12:05:00.000Z response_time GET /b 10',
      '2024-12-18T12:05:00.000Z error_rate GET /b 10',
    ]);
  });
});

describe('Samples', () => {
  const draft = (time: string, total: number): MetricDraft => ({
    ...{ at: at(time), metricType: 'response_time', service: 'api', endpoint: null, samples: 2, total, peak: total },
    histogram: [1, 1],
  });

  test('fall into one bucket of each length, which is named once', () => {
    const buckets = toBuckets([draft('12:59:59', 10), draft('13:00:00', 30), draft('13:04:59', 20)]);
    const shown = buckets.map(({ granularity, bucketStart, samples, total, peak, histogram }) => [
      ...[granularity, bucketStart.toISOString().slice(11, 16), samples, total, peak, histogram?.join('+')],
    ]);
    expect(shown).toEqual([
      ['five_minutes', '12:55', 2, 10, 10, '1+1'],
      ['five_minutes', '13:00', 4, 50, 30, '2+2'],
      ['hour', '12:00', 2, 10, 10, '1+1'],
      ['hour', '13:00', 4, 50, 30, '2+2'],
      ['day', '00:00', 6, 60, 30, '3+3'],
    ]);
  });
});
