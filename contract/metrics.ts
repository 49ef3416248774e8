import { type Static, Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { Id, Time } from './identity.ts';
import { orNull } from './or-null.ts';

const strict = { additionalProperties: false };
const [tag, envelope] = ['Metrics', 'plain'] as const;

/** One line of text without control characters, as names and dimensions are. */
const lineOf = (maxLength: number) =>
  Type.String({ minLength: 1, maxLength, pattern: '^[^\\p{Cc}\\u2028\\u2029]*$', description: 'one line of text' });

const [TextOrNull, NumberOrNull] = [orNull(Type.String()), orNull(Type.Number())];

/** How large a value may be: up to here a JSON number is exact to three decimals. */
const largestValue = 1e12;

/** A measured value as it is sent. */
export const MetricPoint = Type.Object(
  {
    id: Type.Optional(
      Type.String({
        format: 'uuid',
        description: 'the same id and time again is ignored; made up where it is left out',
      }),
    ),
    metric_type: lineOf(100),
    metric_name: lineOf(100),
    metric_value: Type.Number({ minimum: -largestValue, maximum: largestValue }),
    metric_unit: Type.Optional(orNull(lineOf(50))),
    dimension_1: Type.Optional(orNull(lineOf(200))),
    dimension_2: Type.Optional(orNull(lineOf(200))),
    dimension_3: Type.Optional(orNull(lineOf(200))),
    metadata: Type.Optional(orNull(Type.Record(Type.String(), Type.Unknown()))),
    recorded_at: Type.Optional(Type.String({ format: 'date-time', description: 'now where it is left out' })),
  },
  strict,
);
export type MetricPoint = Static<typeof MetricPoint>;

/** How many points one JSON body may hold. */
export const mostPoints = 10_000;

const examplePoint = {
  metric_type: 'checkout',
  metric_name: 'latency',
  metric_value: 182.5,
  metric_unit: 'ms',
  dimension_1: 'eu-west',
  recorded_at: '2024-12-18T09:30:00.000Z',
};

export const addPoints = defineEndpoint({
  id: 'metrics.addPoints',
  method: 'POST',
  path: '/api/dashboard/metrics',
  tag,
  envelope,
  summary: 'Write measured values',
  description:
    `\`{"points": [...]}\` with up to ${mostPoints}, or one point by itself: all are written, or none. As ` +
    '`application/x-ndjson` the body is a point a line, of any number, written in batches as they come: where a line is ' +
    'wrong, the answer names it and says how many points before it stay written. Points with an `id` and a time count ' +
    'once, however often they are sent.',
  body: Type.Object({ points: Type.Array(MetricPoint, { minItems: 1, maxItems: mostPoints }) }, strict),
  listField: 'points',
  takesLines: true,
  maxBodyBytes: 8 * 1024 * 1024,
  status: 202,
  response: Type.Object({ accepted: Type.Integer(), duplicates: Type.Integer() }),
  errors: ['MALFORMED_BODY', 'CONFLICT'],
  isIdempotent: true,
  example: { body: { points: [examplePoint] }, response: { accepted: 1, duplicates: 0 } },
});

/** How several values become one. */
export const aggregations = ['sum', 'average', 'last'] as const;
/** Whether more is better, worse or neither. */
export const directions = ['up', 'down', 'none'] as const;

const Metric = Type.Object({
  metric_type: Type.String(),
  metric_name: Type.String(),
  metric_unit: TextOrNull,
  direction: Type.Enum([...directions], { description: '`up`: more is better; `down`: less is' }),
  aggregation: Type.Enum([...aggregations], { description: 'how several values of a period become one' }),
  series: Type.Integer({ description: 'how many sets of dimensions it has' }),
  first_seen: orNull(Time, { description: 'the beginning of the first hour with a value' }),
  last_seen: orNull(Time, { description: 'the newest value’s time' }),
});
export type Metric = Static<typeof Metric>;

const exampleMetric = {
  metric_type: 'checkout',
  metric_name: 'latency',
  metric_unit: 'ms',
  direction: 'down',
  aggregation: 'average',
  series: 2,
  first_seen: '2024-11-04T08:00:00.000Z',
  last_seen: '2024-12-18T09:30:00.000Z',
};

export const getCatalog = defineEndpoint({
  id: 'metrics.catalog',
  method: 'GET',
  path: '/api/dashboard/catalog',
  tag,
  envelope,
  summary: 'What is measured',
  status: 200,
  response: Type.Array(Metric),
  errors: [],
  example: { response: [exampleMetric] },
});

export const describeMetric = defineEndpoint({
  id: 'metrics.describe',
  method: 'PUT',
  path: '/api/dashboard/catalog/:metric_type/:metric_name',
  tag,
  envelope,
  summary: 'Say how a metric is read',
  description: 'Until it is said, more is better, counts are added up and all else is averaged.',
  params: Type.Object({ metric_type: lineOf(100), metric_name: lineOf(100) }, strict),
  body: Type.Object(
    {
      metric_unit: Type.Optional(orNull(lineOf(50))),
      direction: Type.Optional(Type.Enum([...directions])),
      aggregation: Type.Optional(Type.Enum([...aggregations])),
    },
    strict,
  ),
  status: 200,
  response: Metric,
  errors: ['NOT_FOUND'],
  example: {
    params: { metric_type: 'checkout', metric_name: 'latency' },
    body: { direction: 'down', aggregation: 'average' },
    response: exampleMetric,
  },
});

const moment = (description: string) => Type.String({ maxLength: 40, description });

/** The steps that values can be shown in. */
export const granularities = ['raw', 'hour', 'day', 'week'] as const;

const seriesFields = {
  metric_type: Type.String(),
  metric_name: Type.String(),
  metric_unit: TextOrNull,
  dimension_1: TextOrNull,
  dimension_2: TextOrNull,
  dimension_3: TextOrNull,
};

const Point = Type.Object({
  id: Id,
  ...seriesFields,
  metric_value: Type.Number(),
  metadata: orNull(Type.Record(Type.String(), Type.Unknown())),
  business_id: orNull(Id),
  source_id: orNull(Id),
  recorded_at: Time,
});

const Bucket = Type.Object({
  ...seriesFields,
  bucket_start: Time,
  count: Type.Integer(),
  sum: Type.Number(),
  min: Type.Number(),
  max: Type.Number(),
  avg: Type.Number(),
  last: Type.Number(),
  as_of: orNull(Time, { description: 'the newest value’s time' }),
  complete: Type.Boolean({ description: 'false while the bucket is not over, or is being counted anew' }),
});

export const listPoints = defineEndpoint({
  id: 'metrics.list',
  method: 'GET',
  path: '/api/dashboard/metrics',
  tag,
  envelope,
  summary: 'Measured values, or their hours, days or weeks, the newest first',
  query: Type.Object(
    {
      metric_type: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
      metric_name: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
      dimension_1: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
      period_start: Type.Optional(
        moment('a day such as `2024-12-18`, in the organization’s time zone, or a time such as `2024-12-18T09:30:00Z`'),
      ),
      period_end: Type.Optional(moment('a day, which is included, or a time, which is not')),
      granularity: Type.Optional(Type.Enum([...granularities], { default: 'raw' })),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100 })),
      cursor: Type.Optional(Type.String({ maxLength: 1_000, description: 'the `next_cursor` of the page before' })),
    },
    strict,
  ),
  status: 200,
  response: Type.Object({ data: Type.Array(Type.Union([Point, Bucket])), next_cursor: TextOrNull }),
  errors: [],
  example: {
    query: { metric_type: 'checkout', period_start: '2024-12-18' },
    response: {
      data: [
        {
          id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5f',
          ...examplePoint,
          dimension_2: null,
          dimension_3: null,
          metadata: null,
          business_id: null,
          source_id: null,
        },
      ],
      next_cursor: null,
    },
  },
});

const TrendWeek = Type.Object({
  week_start: Type.String({ format: 'date' }),
  value: orNull(Type.Number(), { description: 'null for a week without a value' }),
  change_percentage: NumberOrNull,
  change_reason: Type.Optional(Type.String({ description: 'why there is no percentage' })),
  partial: Type.Optional(Type.Boolean({ description: 'true for the running week' })),
  complete: Type.Optional(Type.Boolean({ description: 'false while it is being counted anew' })),
  anomaly: Type.Boolean({ description: 'true for a full week far off the trend of all' }),
});

export const getTrends = defineEndpoint({
  id: 'metrics.trends',
  method: 'GET',
  path: '/api/dashboard/trends',
  tag,
  envelope,
  summary: 'A metric week by week, and where it is going',
  description:
    'The trend rests on full weeks alone: the Theil-Sen slope, turned by the metric’s direction. It is `stable` unless it ' +
    'comes to 1 % of the median over the time shown and is significant: Mann-Kendall, two-sided, p ≤ 0.1, or with three ' +
    'weeks all of them in one order. An anomaly is a week whose distance from the line has a modified z-score over 3.5.',
  query: Type.Object(
    {
      metric_type: Type.String({ minLength: 1, maxLength: 100 }),
      metric_name: Type.Optional(
        Type.String({ minLength: 1, maxLength: 100, description: 'the first name of the type where it is left out' }),
      ),
      weeks: Type.Optional(Type.Integer({ minimum: 1, maximum: 104, default: 12 })),
    },
    strict,
  ),
  status: 200,
  response: Type.Object({
    metric_type: Type.String(),
    metric_name: TextOrNull,
    metric_unit: TextOrNull,
    direction: Type.Enum([...directions]),
    aggregation: Type.Enum([...aggregations]),
    trend_data: Type.Array(TrendWeek),
    overall_trend: Type.Enum(['positive', 'negative', 'stable', 'insufficient_data']),
    as_of: orNull(Time),
    complete: Type.Boolean(),
  }),
  errors: ['NOT_FOUND'],
  example: {
    query: { metric_type: 'user_engagement', weeks: 3 },
    response: {
      metric_type: 'user_engagement',
      metric_name: 'engagement_rate',
      metric_unit: 'percentage',
      direction: 'up',
      aggregation: 'average',
      trend_data: [
        {
          week_start: '2024-12-02',
          value: 82.4,
          change_percentage: null,
          change_reason: 'previous_missing',
          anomaly: false,
        },
        { week_start: '2024-12-09', value: 85.2, change_percentage: 3.4, anomaly: false },
        {
          week_start: '2024-12-16',
          value: 86,
          change_percentage: null,
          change_reason: 'period_incomplete',
          partial: true,
          anomaly: false,
        },
      ],
      overall_trend: 'insufficient_data',
      as_of: '2024-12-18T09:00:00.000Z',
      complete: false,
    },
  },
});
