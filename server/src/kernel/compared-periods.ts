import { type Change, changeBetween } from './change.ts';
import { type DayPeriod, periodBefore, sameMomentBefore } from './days.ts';

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
