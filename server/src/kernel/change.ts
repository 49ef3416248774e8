import { percentAbove } from './rounding.ts';

/** Why a change has no percentage. */
export type ChangeReason = 'previous_zero' | 'previous_missing' | 'period_incomplete';

/** A change in percent, or null with the reason. */
export interface Change {
  readonly percent: number | null;
  readonly reason?: ChangeReason;
}

/**
 * The one rule of change, previous → current, in percent with one decimal: 0 → 0 is 0; from 0 to anything else has no
 * percentage (`previous_zero`), nor has what had no value before (`previous_missing`); N → 0 is −100; a negative base
 * counts by its absolute value. A period that is not over is compared with the same elapsed part of the one before; where
 * there is none, its caller answers `period_incomplete`.
 */
export function changeBetween(previous: number | null | undefined, current: number): Change {
  if (previous === null || previous === undefined) return { percent: null, reason: 'previous_missing' };
  if (previous === current) return { percent: 0 };
  if (previous === 0) return { percent: null, reason: 'previous_zero' };
  return { percent: percentAbove(previous, current) };
}
