import { expect, test } from 'vitest';
import { weekAt } from '#kernel/weeks.ts';
import { comparedRanges, compareStats } from './compare-week.ts';

const berlin = { timezone: 'Europe/Berlin', firstDayOfWeek: 1 };
const stats = { newUploads: 0, updates: 4, decisions: 0, completedTasks: 0, contributors: 1, pendingReviews: 2 };
const ms = Date.parse;

test('a week that is over is compared with the whole one before', () => {
  const ranges = comparedRanges(weekAt(ms('2024-12-10T12:00:00Z'), berlin), ms('2024-12-18T12:00:00Z'));
  expect(ranges).toMatchObject({
    basis: 'full_week',
    previousWeekId: '2024-W49',
    previous: { startMs: ms('2024-12-02T00:00:00+01:00'), endMs: ms('2024-12-09T00:00:00+01:00') },
  });
});

test('the running week is compared with the part that had passed by the local clock, also across a change of clocks', () => {
  const now = ms('2024-10-30T12:00:00+01:00');
  const ranges = comparedRanges(weekAt(now, berlin), now);
  expect(ranges.basis).toBe('same_elapsed_part');
  expect(ranges.previous).toEqual({ startMs: ms('2024-10-21T00:00:00+02:00'), endMs: ms('2024-10-23T12:00:00+02:00') });
});

test('in the first moment of a week, with nothing of the one before; in its last, with all but that moment', () => {
  const week = weekAt(ms('2024-12-18T12:00:00Z'), berlin);
  const { previous: first } = comparedRanges(week, week.startMs);
  expect(first.endMs).toBe(first.startMs);
  const { previous: last } = comparedRanges(week, week.endMs - 1);
  expect(last.endMs).toBe(week.startMs - 1);
});

test('a week that has not begun is compared with nothing, and says why', () => {
  const ranges = comparedRanges(weekAt(ms('2024-12-26T12:00:00Z'), berlin), ms('2024-12-18T12:00:00Z'));
  const { change, change_reason: reasons } = compareStats(ranges, stats, stats);
  expect(new Set(Object.values(change))).toEqual(new Set([null]));
  expect(new Set(Object.values(reasons))).toEqual(new Set(['period_incomplete']));
});

test('each number has its change, or the reason why it has none', () => {
  const week = weekAt(ms('2024-12-10T12:00:00Z'), berlin);
  const compared = compareStats(
    comparedRanges(week, ms('2024-12-18T12:00:00Z')),
    { ...stats, updates: 5 },
    {
      ...stats,
      contributors: 0,
      pendingReviews: 4,
    },
  );
  expect(compared).toMatchObject({ updates: 5, previous: { updates: 4 } });
  expect(compared.change).toEqual({ ...stats, updates: 25, contributors: null, pendingReviews: -50 });
  expect(compared.change_reason).toEqual({ contributors: 'previous_zero' });
});
