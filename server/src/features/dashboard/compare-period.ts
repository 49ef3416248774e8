import type { AssessmentCounts, DashboardSummary, UserCounts } from '@almanac/contract/dashboard.ts';
import type { AssessmentNumbers } from '#features/assessments/index.ts';
import type { UserNumbers } from '#features/engagement/index.ts';
import { type Change, changeBetween } from '#kernel/change.ts';
import { type DayPeriod, periodBefore, sameMomentBefore } from '#kernel/days.ts';
import { percentOf } from '#kernel/rounding.ts';

/** A period, and the part of the one before that it is compared with. */
export interface ComparedPeriods {
  readonly current: DayPeriod;
  readonly previous: DayPeriod;
  /** Up to when the period before is counted, in epoch milliseconds. */
  readonly previousUntilMs: number;
  readonly basis: 'same_elapsed_part' | 'full_period';
  /** True once the period is over. */
  readonly isComplete: boolean;
  /** True for a period that has not begun: it cannot be compared yet. */
  readonly isAhead: boolean;
}

/** Whether a number of a period can be compared with that of the one before. */
export interface Comparability extends Pick<ComparedPeriods, 'isAhead'> {
  /** False while days of either are counted anew: parts of days say nothing of a change. */
  readonly isSettled: boolean;
}

/** What a period is compared with: all of the one before, or as much of it as had passed at the same local time. */
export function comparePeriods(current: DayPeriod, { nowMs, timezone }: { nowMs: number; timezone: string }) {
  const previous = periodBefore(current, timezone);
  const isRunning = nowMs >= current.startMs && nowMs < current.endMs;
  const until = isRunning ? sameMomentBefore(nowMs, current.days, timezone) : previous.endMs;
  return {
    current,
    previous,
    previousUntilMs: Math.max(previous.startMs, Math.min(until, previous.endMs)),
    basis: isRunning ? 'same_elapsed_part' : 'full_period',
    isComplete: nowMs >= current.endMs,
    isAhead: nowMs < current.startMs,
  } satisfies ComparedPeriods;
}

/** Why a number has no percentage, where it has none. */
export function changeOf({ isAhead, isSettled }: Comparability, previous: number | null, current: number): Change {
  if (isAhead || !isSettled) return { percent: null, reason: 'period_incomplete' };
  return changeBetween(previous, current);
}

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
