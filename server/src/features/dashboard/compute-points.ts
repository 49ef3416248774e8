import { type Trait, traits } from '@almanac/contract/assessments.ts';
import type { AssessmentCounts, UserCounts } from '@almanac/contract/dashboard.ts';
import type { OceanAverages } from '#features/assessments/index.ts';
import type { MetricDeclaration, PublishedPoint } from '#features/metrics/index.ts';
import type { DayPeriod } from '#kernel/days.ts';
import { idOf } from '#kernel/ids.ts';
import { roundDecimal } from '#kernel/rounding.ts';

/** What the points are made of. */
export interface Measured {
  readonly organizationId: string;
  readonly now: Date;
  readonly period: DayPeriod;
  /** Undefined while who was active is being counted anew. */
  readonly users: UserCounts | undefined;
  readonly assessments: AssessmentCounts;
  /** Undefined where they would tell of too few people. */
  readonly ocean: OceanAverages | undefined;
}

// A point tells of the seven days before it, so the last one of a week tells of that week.
const declare = (metric_type: string, metric_name: string, metric_unit: string): MetricDeclaration => ({
  metric_type,
  metric_name,
  metric_unit,
  direction: 'up',
  aggregation: 'last',
});

/** No trait is better for being more. */
const scoreOf = (trait: Trait): MetricDeclaration => ({
  ...declare('ocean_scores', trait, 'score'),
  direction: 'none',
});

const metricsOf = {
  engagementRate: declare('user_engagement', 'engagement_rate', 'percentage'),
  activeUsers: declare('user_engagement', 'active_users', 'count'),
  totalUsers: declare('user_engagement', 'total_users', 'count'),
  completionRate: declare('assessment_completion', 'completion_rate', 'percentage'),
  totalAssessments: declare('assessment_completion', 'total_assessments', 'count'),
  completedAssessments: declare('assessment_completion', 'completed_assessments', 'count'),
};

/** What the dashboard publishes, the first of each type being the one meant by the type alone. */
export const dashboardMetrics: readonly MetricDeclaration[] = [...Object.values(metricsOf), ...traits.map(scoreOf)];

const slotMs = 6 * 3_600_000;

/** The beginning of the quarter of a UTC day that holds a moment. */
function slotAt(now: Date): Date {
  return new Date(Math.floor(now.getTime() / slotMs) * slotMs);
}

/** One point for each name and quarter of a UTC day: a second one of the same has the same id and time. */
export function computePoints({ organizationId, now, period, users, assessments, ocean }: Measured): PublishedPoint[] {
  const recorded_at = slotAt(now);
  const days = { period_start: period.startDate, period_end: period.endDate, as_of: now.toISOString() };
  const point = (
    { metric_type, metric_name, metric_unit }: MetricDeclaration,
    metric_value: number,
    metadata: PublishedPoint['metadata'] = days,
  ): PublishedPoint => ({
    id: idOf('computed point', organizationId, metric_type, metric_name, recorded_at.toISOString()),
    metric_type,
    metric_name,
    metric_value,
    metric_unit,
    metadata,
    recorded_at,
  });
  return [
    ...(users
      ? [
          point(metricsOf.engagementRate, users.engagement_rate),
          point(metricsOf.activeUsers, users.active_users),
          point(metricsOf.totalUsers, users.total_users),
        ]
      : []),
    point(metricsOf.completionRate, assessments.completion_rate),
    point(metricsOf.totalAssessments, assessments.total_assessments),
    point(metricsOf.completedAssessments, assessments.completed_assessments),
    ...(ocean
      ? traits.map((trait) =>
          point(scoreOf(trait), roundDecimal(ocean.averages[trait], 1), {
            people: ocean.people,
            as_of: now.toISOString(),
          }),
        )
      : []),
  ];
}
