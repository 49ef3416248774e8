import type { WeekComparison, WeekStats } from '@almanac/contract/weekly.ts';
import { type Change, changeBetween } from '#kernel/change.ts';
import { sameMomentWeekBefore, shiftWeek, type Week } from '#kernel/weeks.ts';
import type { StatsRange } from './weekly.views.ts';

/** The two ranges that a week's comparison rests on. */
export interface ComparedRanges {
  readonly current: StatsRange;
  readonly previous: StatsRange;
  readonly basis: 'same_elapsed_part' | 'full_week';
  readonly previousWeekId: string;
  /** True for a week that has not begun: its numbers cannot be compared yet. */
  readonly isAhead: boolean;
}

/**
 * What a week is compared with: a week that is over with the whole one before; the running one with the part of the one
 * before that had passed at the same local time. A week that has not begun is compared with nothing.
 */
export function comparedRanges(week: Week, nowMs: number): ComparedRanges {
  const before = shiftWeek(week, -1);
  const isRunning = nowMs >= week.startMs && nowMs < week.endMs;
  const until = isRunning ? sameMomentWeekBefore(nowMs, week.calendar.timezone) : before.endMs;
  return {
    current: { startMs: week.startMs, endMs: week.endMs },
    previous: { startMs: before.startMs, endMs: Math.max(before.startMs, Math.min(until, before.endMs)) },
    basis: isRunning ? 'same_elapsed_part' : 'full_week',
    previousWeekId: before.id,
    isAhead: nowMs < week.startMs,
  };
}

/** Puts the numbers of both ranges beside each other, with the change of each. */
export function compareStats(ranges: ComparedRanges, current: WeekStats, previous: WeekStats): WeekComparison {
  const names = Object.keys(current) as (keyof WeekStats)[];
  const change = (name: keyof WeekStats): Change =>
    ranges.isAhead ? { percent: null, reason: 'period_incomplete' } : changeBetween(previous[name], current[name]);
  const changes = names.map((name) => [name, change(name)] as const);
  return {
    ...current,
    previous,
    change: Object.fromEntries(changes.map(([name, { percent }]) => [name, percent])) as WeekComparison['change'],
    change_reason: Object.fromEntries(changes.flatMap(([name, { reason }]) => (reason ? [[name, reason]] : []))),
    comparison: {
      basis: ranges.basis,
      week: ranges.previousWeekId,
      until: new Date(ranges.previous.endMs).toISOString(),
    },
  };
}
