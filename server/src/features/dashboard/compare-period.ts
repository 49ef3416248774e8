import type { AssessmentCounts, DashboardSummary, UserCounts } from '@almanac/contract/dashboard.ts';
import type { AssessmentNumbers } from '#features/assessments/index.ts';
import type { UserNumbers } from '#features/engagement/index.ts';
import { type Comparability, type ComparedPeriods, changeOf } from '#kernel/compared-periods.ts';
import { percentOf } from '#kernel/rounding.ts';

/** Counts of both periods beside each other, with the change of each. */
export function compareCounts<Counts extends Record<string, number>>(
  comparability: Comparability,
  { current, previous }: { current: Counts; previous: Counts },
) {
  const changes = Object.entries(current).map(
    ([name, value]) => [name, changeOf(comparability, previous[name] ?? null, value)] as const,
  );
  return {
    ...current,
    previous,
    change_percentage: Object.fromEntries(changes.map(([name, { percent }]) => [name, percent])) as Record<
      keyof Counts,
      number | null
    >,
    change_reason: Object.fromEntries(changes.flatMap(([name, { reason }]) => (reason ? [[name, reason]] : []))),
  };
}

/** The counts of people with their rate. */
export function toUserCounts({ total, active }: Pick<UserNumbers, 'total' | 'active'>): UserCounts {
  return { total_users: total, active_users: active, engagement_rate: percentOf(active, total) };
}

/** The counts of assessments with their rate. */
export function toAssessmentCounts({
  total,
  completed,
}: Pick<AssessmentNumbers, 'total' | 'completed'>): AssessmentCounts {
  return {
    total_assessments: total,
    completed_assessments: completed,
    completion_rate: percentOf(completed, total),
  };
}

/** What the comparison rests on, as it is answered. */
export function describeComparison({
  previous,
  previousUntilMs,
  basis,
}: ComparedPeriods): DashboardSummary['comparison'] {
  return {
    basis,
    period_start: previous.startDate,
    period_end: previous.endDate,
    until: new Date(previousUntilMs).toISOString(),
  };
}
