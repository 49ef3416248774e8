import type { DayActivity, ListedItem, WeeklyData } from '@almanac/contract/weekly.ts';
import { percentOf } from '#kernel/rounding.ts';
import { elapsedFraction, localTimestamp, type Week, weekLabel } from '#kernel/weeks.ts';
import type { NamedCount, StoredItem, WeekNumbers } from './weekly.views.ts';
import { writeHighlights } from './write-highlights.ts';

/** The part of a week's object that its data alone decides: what is stored, and never drifts once the week is over. */
export type WeekSnapshot = Omit<WeeklyData, 'generated' | 'as_of' | 'version' | 'week'>;

const shownCategories = 20;
const impactNames = [
  ['high', 'High'],
  ['medium', 'Medium'],
  ['low', 'Low'],
] as const;
const dayNames = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** Shapes a week's numbers into what is stored. The same numbers give the same bytes, whenever that is. */
export function shapeWeek(week: Week, numbers: WeekNumbers, demo: boolean): WeekSnapshot {
  const { stats, lists } = numbers;
  const count = (shown: readonly StoredItem[], total: number) => ({ shown: shown.length, total });
  return {
    period: weekLabel(week),
    demo,
    stats,
    highlights: writeHighlights(numbers),
    uploads: lists.uploads.map(shapeItem),
    updates: lists.updates.map(shapeItem),
    decisions: lists.decisions.map(shapeItem),
    completed: lists.completed.map(shapeItem),
    pending: lists.pending.map(shapeItem),
    counts: {
      uploads: count(lists.uploads, stats.newUploads),
      updates: count(lists.updates, stats.updates),
      decisions: count(lists.decisions, stats.decisions),
      completed: count(lists.completed, stats.completedTasks),
      pending: count(lists.pending, stats.pendingReviews),
    },
    chartData: {
      weeklyActivity: shapeDays(week, numbers),
      categoryBreakdown: toSlices(withOther(numbers.categories)),
      impactDistribution: toSlices(
        impactNames.map(([name, label]) => ({
          name: label,
          value: numbers.impacts.find((impact) => impact.name === name)?.value ?? 0,
        })),
      ),
    },
  };
}

interface Moment {
  nowMs: number;
  version: number;
  changedAt: Date | null;
}

/** Completes a stored week with what depends on when it is asked for. */
export function presentWeek(week: Week, snapshot: WeekSnapshot, { nowMs, version, changedAt }: Moment): WeeklyData {
  const { timezone } = week.calendar;
  const { period, demo, ...rest } = snapshot;
  return {
    period,
    generated: localTimestamp(nowMs, timezone),
    week: {
      id: week.id,
      start: new Date(week.startMs).toISOString(),
      end: new Date(week.endMs).toISOString(),
      timezone,
      complete: nowMs >= week.endMs,
      elapsed_fraction: elapsedFraction(week, nowMs),
    },
    as_of: changedAt?.toISOString() ?? null,
    version,
    demo,
    ...rest,
  };
}

/** An item as a list shows it. */
export function shapeItem({ id, title, author, category, impact, status, occurred_at, url }: StoredItem): ListedItem {
  return { id, title, author, category, impact, status, occurred_at: new Date(occurred_at).toISOString(), url };
}

function shapeDays(week: Week, { days }: WeekNumbers): DayActivity[] {
  const first = Temporal.PlainDate.from(week.startDate);
  return days.map(({ uploads, updates, decisions, completed }, index) => {
    const date = first.add({ days: index });
    return { day: dayNames[date.dayOfWeek - 1] ?? '', date: date.toString(), uploads, updates, decisions, completed };
  });
}

/** The largest categories; the small ones together, with how many they are. */
function withOther(categories: readonly NamedCount[]): NamedCount[] {
  if (categories.length <= shownCategories) return [...categories];
  const small = categories.slice(shownCategories - 1);
  const value = small.reduce((total, category) => total + category.value, 0);
  return [...categories.slice(0, shownCategories - 1), { name: `Other (${small.length})`, value }];
}

function toSlices(counts: readonly NamedCount[]): { name: string; value: number; percentage: number }[] {
  const whole = counts.reduce((total, { value }) => total + value, 0);
  return counts.map(({ name, value }) => ({ name, value, percentage: percentOf(value, whole) }));
}
