import type { WeekComparison, WeekStats } from '@almanac/contract/weekly.ts';
import { Type } from 'typebox';
import { compareFigure, defineSectionType, type ReportPeriod } from '#features/reports/index.ts';
import { type Change, changeBetween } from '#kernel/change.ts';
import { type DayPeriod, eachDay } from '#kernel/days.ts';
import { sameMomentWeekBefore, shiftWeek, type Week, weekAt } from '#kernel/weeks.ts';
import { findStoredWeek } from './weekly.store.ts';
import { readStats, type StatsRange } from './weekly.views.ts';

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

const labels: readonly (readonly [keyof WeekStats, string])[] = [
  ['newUploads', 'Uploads'],
  ['updates', 'Updates'],
  ['decisions', 'Decisions'],
  ['completedTasks', 'Completed tasks'],
  ['contributors', 'Contributors'],
  ['pendingReviews', 'Pending reviews'],
];
/** Of these, the days are shown. */
const byDay = ['newUploads', 'updates', 'decisions', 'completedTasks'] as const;
/** Days of longer periods are not shown: each is counted by itself. */
const mostDaysShown = 31;

/** The six numbers of a period for reports, and of up to 31 days each day’s. Names of people and titles stay out. */
export const weeklySection = defineSectionType({
  type: 'weekly_activity',
  summary: 'Uploads, updates, decisions and completed tasks, contributors and pending reviews.',
  options: Type.Object({}, { additionalProperties: false }),
  read: async (tx, { period }) => {
    const { current, previous, previousUntilMs, calendar } = period;
    const days = current.days > mostDaysShown ? [] : eachDay(current, calendar.timezone);
    const ranges = [
      { startMs: current.startMs, endMs: current.endMs },
      { startMs: previous.startMs, endMs: previousUntilMs },
    ];
    const week = weekAt(current.endMs - 1, calendar);
    const { stats } = await readStats(tx, week, [...ranges, ...days]);
    const [now, before, ...ofDays] = stats;
    if (!now || !before) throw new Error('The numbers of the period could not be read.');
    const as_of = (await findStoredWeek(tx, week.startDate))?.changed_at?.toISOString() ?? null;
    return {
      figures: labels.map(([name, label]) => {
        const direction = name === 'pendingReviews' ? 'down' : 'up';
        const counted = { value: now[name], previous: before[name], unit: 'count', isSettled: true };
        return compareFigure({ ...counted, name, label, direction, as_of }, period);
      }),
      series: days.length === 0 ? [] : byDay.map((name) => toSeries(name, { days, ofDays, period })),
      isEmpty: labels.every(([name]) => now[name] === 0 && before[name] === 0),
    };
  },
});

function toSeries(
  name: (typeof byDay)[number],
  { days, ofDays, period }: { days: readonly DayPeriod[]; ofDays: readonly WeekStats[]; period: ReportPeriod },
) {
  const label = `${labels.find(([known]) => known === name)?.[1]} by day`;
  const points = days.map(({ startDate, startMs, endMs }, index) => ({
    at: startDate,
    value: startMs <= period.nowMs ? (ofDays[index]?.[name] ?? null) : null,
    partial: endMs > period.nowMs,
    anomaly: false,
  }));
  return { name: `${name}_by_day`, label, unit: 'count', direction: 'up' as const, step: 'day' as const, points };
}
