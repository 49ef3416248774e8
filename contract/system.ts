import { Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { Id, Time } from './identity.ts';
import { pageOf, pageQuery } from './lists.ts';
import { orNull } from './or-null.ts';

const NumberOrNull = orNull(Type.Number());

export const getHealth = defineEndpoint({
  id: 'system.getHealth',
  method: 'GET',
  path: '/api/system/health',
  tag: 'System',
  envelope: 'plain',
  summary: 'How the installation is, check by check',
  description:
    'The status is that of the worst check. A check that has nothing to go by is `unknown`, which makes nothing worse. ' +
    'Rates and delays are those of the newest check of the job `monitor_system_performance`.',
  status: 200,
  response: Type.Object({
    status: Type.Enum(['healthy', 'warning', 'critical']),
    checks: Type.Array(
      Type.Object({
        name: Type.String(),
        status: Type.Enum(['healthy', 'warning', 'critical', 'unknown']),
        value: NumberOrNull,
        threshold: orNull(Type.Number(), { description: 'past it the check is no longer healthy' }),
        unit: Type.String(),
        since: Type.String({ format: 'date-time', description: 'as long as it has been known to stand so' }),
      }),
    ),
  }),
  errors: [],
  example: {
    response: {
      status: 'warning',
      checks: [
        {
          name: 'database',
          status: 'healthy',
          value: 1,
          threshold: 1_000,
          unit: 'ms',
          since: '2024-12-18T11:00:00.000Z',
        },
        {
          name: 'cache_hit_ratio',
          status: 'warning',
          value: 84.2,
          threshold: 90,
          unit: 'percent',
          since: '2024-12-18T12:00:00.000Z',
        },
        {
          name: 'disk',
          status: 'unknown',
          value: null,
          threshold: 10,
          unit: 'percent',
          since: '2024-12-18T11:00:00.000Z',
        },
      ],
    },
  },
});

const Series = Type.Object({
  latest: orNull(Type.Number(), { description: 'at the newest check in the period' }),
  mean: NumberOrNull,
  peak: NumberOrNull,
  series: Type.Array(Type.Object({ bucket_start: Time, value: Type.Number() }), {
    description: 'a bucket in which nothing was measured is left out',
  }),
});

const Percentiles = {
  requests: Type.Integer(),
  p50_ms: NumberOrNull,
  p95_ms: NumberOrNull,
  p99_ms: NumberOrNull,
};

const PeriodEdge = Type.Optional(
  Type.String({ maxLength: 40, description: 'RFC 3339, or a day (UTC) such as 2024-12-18; the last day is whole' }),
);

const exampleSeries = {
  latest: 99.4,
  mean: 99.1,
  peak: 100,
  series: [{ bucket_start: '2024-12-18T12:00:00.000Z', value: 99.4 }],
};
const examplePercentiles = { requests: 1_200, p50_ms: 1.7, p95_ms: 8.2, p99_ms: 21.5 };

export const getPerformance = defineEndpoint({
  id: 'system.getPerformance',
  method: 'GET',
  path: '/api/system/performance',
  tag: 'System',
  envelope: 'plain',
  summary: 'What was measured of the installation in a period, as series and at last',
  description:
    'Without a period the last 24 hours; at most 300 days, of which 90 are kept. Buckets are of five minutes, an hour or a ' +
    'day, so that there are at most 300. Percentiles are estimated from counts by upper bound, as Prometheus does.',
  query: Type.Object({ period_start: PeriodEdge, period_end: PeriodEdge }, { additionalProperties: false }),
  status: 200,
  response: Type.Object({
    period_start: Time,
    period_end: Type.String({ format: 'date-time', description: 'the first moment past the period' }),
    bucket_seconds: Type.Integer(),
    as_of: orNull(Time, { description: 'the newest check in the period' }),
    response_times: Type.Object({
      ...Percentiles,
      by_route: Type.Array(Type.Object({ route: Type.String(), failed: Type.Integer(), ...Percentiles })),
      series: Type.Array(Type.Object({ bucket_start: Time, ...Percentiles })),
    }),
    error_rate: Series,
    event_loop_delay_ms: Series,
    database: Type.Object({
      cache_hit_ratio: Series,
      connections: Series,
      max_connections: orNull(Type.Integer()),
      slow_queries: Series,
      slowest_queries: Type.Array(
        Type.Object({
          query: Type.String({ description: 'without its literals' }),
          calls: Type.Integer(),
          mean_ms: Type.Number(),
          max_ms: Type.Number(),
          total_ms: Type.Number(),
          source: Type.Enum(['pg_stat_statements', 'almanac']),
        }),
        { description: 'now, whatever the period' },
      ),
    }),
    cache: Type.Object({ dashboard: Series, metrics: Series, reports: Series }),
    sockets: Series,
    queue: Type.Object({ waiting: Series, running: Series }),
  }),
  errors: [],
  example: {
    query: { period_start: '2024-12-18', period_end: '2024-12-18' },
    response: {
      period_start: '2024-12-18T00:00:00.000Z',
      period_end: '2024-12-19T00:00:00.000Z',
      bucket_seconds: 300,
      as_of: '2024-12-18T12:05:00.000Z',
      response_times: {
        ...examplePercentiles,
        by_route: [{ route: 'GET /api/weekly/summary', failed: 0, ...examplePercentiles }],
        series: [{ bucket_start: '2024-12-18T12:00:00.000Z', ...examplePercentiles }],
      },
      error_rate: exampleSeries,
      event_loop_delay_ms: exampleSeries,
      database: {
        cache_hit_ratio: exampleSeries,
        connections: exampleSeries,
        max_connections: 100,
        slow_queries: exampleSeries,
        slowest_queries: [
          {
            query: 'select * from activity_items where organization_id = ?',
            calls: 2,
            mean_ms: 812.5,
            max_ms: 900,
            total_ms: 1_625,
            source: 'almanac',
          },
        ],
      },
      cache: { dashboard: exampleSeries, metrics: exampleSeries, reports: exampleSeries },
      sockets: exampleSeries,
      queue: { waiting: exampleSeries, running: exampleSeries },
    },
  },
});

export const listAlerts = defineEndpoint({
  id: 'system.listAlerts',
  method: 'GET',
  path: '/api/system/alerts',
  tag: 'System',
  envelope: 'plain',
  summary: 'The alerts about the installation, open and past, the newest first',
  description: 'There is one open alert of a kind and subject at most. Past alerts are kept for 90 days.',
  query: Type.Object(
    { state: Type.Optional(Type.Enum(['open', 'past'], { description: 'both without it' })), ...pageQuery },
    { additionalProperties: false },
  ),
  status: 200,
  response: pageOf(
    Type.Object({
      id: Id,
      kind: Type.String(),
      subject: Type.String(),
      message: Type.String(),
      state: Type.Enum(['open', 'past']),
      opened_at: Time,
      ended_at: orNull(Time),
    }),
  ),
  errors: [],
  example: {
    query: { state: 'open' },
    response: {
      items: [
        {
          id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5f',
          kind: 'error_rate',
          subject: 'api',
          message: '7.5 % of 120 requests failed on the server; more than 5 % is too many.',
          state: 'open',
          opened_at: '2024-12-18T12:05:00.000Z',
          ended_at: null,
        },
      ],
      next_cursor: null,
    },
  },
});
