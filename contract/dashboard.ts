import { type Static, type TSchema, Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { Id, Time } from './identity.ts';
import { aggregations, directions } from './metrics.ts';
import { orNull } from './or-null.ts';

const strict = { additionalProperties: false };
const tag = 'Dashboard';
const envelope = 'plain';

/** The most days that a period has. */
export const mostDays = 366;

const UserCounts = Type.Object({
  total_users: Type.Integer({ description: 'members by the end of the period, and whoever was active in it' }),
  active_users: Type.Integer({ description: 'who was active in the period' }),
  engagement_rate: Type.Number({ description: 'active_users / total_users × 100' }),
});
export type UserCounts = Static<typeof UserCounts>;

const AssessmentCounts = Type.Object({
  total_assessments: Type.Integer({ description: 'begun in the period' }),
  completed_assessments: Type.Integer({ description: 'of those, completed by its end' }),
  completion_rate: Type.Number({ description: 'completed_assessments / total_assessments × 100' }),
});
export type AssessmentCounts = Static<typeof AssessmentCounts>;

const ChangeReasons = Type.Record(Type.String(), Type.String(), {
  description:
    'by number, why it has no percentage: previous_zero, previous_missing or period_incomplete (not begun, or not settled)',
});

/** The numbers of a block, with those of the period before and their change. */
function comparedBlock<Counts extends TSchema & { properties: object }>(counts: Counts) {
  return Type.Interface([counts], {
    previous: counts,
    change_percentage: Type.Record(Type.KeyOf(counts), orNull(Type.Number())),
    change_reason: ChangeReasons,
  });
}

const Headline = Type.Object({
  metric_type: Type.String(),
  metric_name: Type.String(),
  metric_unit: orNull(Type.String()),
  direction: Type.Enum([...directions]),
  aggregation: Type.Enum([...aggregations]),
  value: orNull(Type.Number(), { description: 'null where the period has none' }),
  previous: orNull(Type.Number()),
  change_percentage: orNull(Type.Number()),
  change_reason: orNull(Type.String()),
});

/** The summary of an organization's period. */
export const DashboardSummary = Type.Object({
  organization_id: Id,
  period_start: Type.String({ format: 'date' }),
  period_end: Type.String({ format: 'date', description: 'the last day' }),
  user_stats: comparedBlock(UserCounts),
  assessment_stats: comparedBlock(AssessmentCounts),
  metrics: Type.Array(Headline),
  comparison: Type.Object({
    basis: Type.Enum(['same_elapsed_part', 'full_period']),
    period_start: Type.String({ format: 'date' }),
    period_end: Type.String({ format: 'date' }),
    until: Type.String({ format: 'date-time', description: 'up to when the period before is counted' }),
  }),
  as_of: orNull(Time, { description: 'the newest input that the numbers rest on' }),
  complete: Type.Boolean({
    description: 'false until the period is over, and while it is not settled',
  }),
  settled: Type.Boolean({
    description:
      'false while days are counted anew after a change of the time zone: numbers of members and metrics may be too low, ' +
      'and have no percentage',
  }),
});
export type DashboardSummary = Static<typeof DashboardSummary>;

const Day = (description: string) => Type.String({ format: 'date', description });

export const getDashboardSummary = defineEndpoint({
  id: 'dashboard.summary',
  method: 'GET',
  path: '/api/dashboard/summary',
  tag,
  envelope,
  summary: 'Who was active, what was assessed and measured, compared with the period before',
  description:
    'A period that is not over is compared with the part of the one before that had passed at the same local time. Rates ' +
    'are in percent with one decimal, rounded half up; of nothing they are 0.',
  query: Type.Object(
    {
      period_days: Type.Optional(
        Type.Integer({ minimum: 1, maximum: mostDays, description: 'the last days, today included; 7 unless told' }),
      ),
      period_start: Type.Optional(Day('the first day, in the organization’s time zone; with period_end')),
      period_end: Type.Optional(Day('the last day; with period_start')),
    },
    strict,
  ),
  status: 200,
  response: DashboardSummary,
  errors: [],
  example: {
    query: { period_days: 7 },
    response: {
      organization_id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5e',
      period_start: '2024-01-01',
      period_end: '2024-01-07',
      user_stats: {
        total_users: 150,
        active_users: 120,
        engagement_rate: 80,
        previous: { total_users: 150, active_users: 96, engagement_rate: 64 },
        change_percentage: { total_users: 0, active_users: 25, engagement_rate: 25 },
        change_reason: {},
      },
      assessment_stats: {
        total_assessments: 45,
        completed_assessments: 38,
        completion_rate: 84.4,
        previous: { total_assessments: 0, completed_assessments: 0, completion_rate: 0 },
        change_percentage: { total_assessments: null, completed_assessments: null, completion_rate: null },
        change_reason: {
          total_assessments: 'previous_zero',
          completed_assessments: 'previous_zero',
          completion_rate: 'previous_zero',
        },
      },
      metrics: [
        {
          metric_type: 'user_engagement',
          metric_name: 'engagement_rate',
          metric_unit: 'percentage',
          direction: 'up',
          aggregation: 'last',
          value: 80,
          previous: 64,
          change_percentage: 25,
          change_reason: null,
        },
      ],
      comparison: {
        basis: 'full_period',
        period_start: '2023-12-25',
        period_end: '2023-12-31',
        until: '2024-01-01T00:00:00.000Z',
      },
      as_of: '2024-01-07T21:14:03.000Z',
      complete: true,
      settled: true,
    },
  },
});

/** How the installation is. */
export const systemStatuses = ['healthy', 'warning', 'critical'] as const;
export type SystemStatus = (typeof systemStatuses)[number];

export const getRealtime = defineEndpoint({
  id: 'dashboard.realtime',
  method: 'GET',
  path: '/api/dashboard/realtime',
  tag,
  envelope,
  summary: 'What goes on now',
  status: 200,
  response: Type.Object({
    active_users_15min: Type.Integer(),
    active_users_today: Type.Integer({ description: 'of the organization’s day' }),
    activities_last_hour: Type.Integer({ description: 'of the running minute and the 59 before it' }),
    system_status: Type.Enum([...systemStatuses]),
    last_event_id: Type.Integer({ description: 'the cursor from which GET /api/feed goes on' }),
    as_of: orNull(Time, { description: 'the newest activity of today and yesterday' }),
  }),
  errors: [],
  example: {
    response: {
      active_users_15min: 12,
      active_users_today: 45,
      activities_last_hour: 234,
      system_status: 'healthy',
      last_event_id: 4711,
      as_of: '2024-12-18T09:29:58.000Z',
    },
  },
});
