import type { DayActivity, WeekStats } from '@almanac/contract/weekly.ts';
import type { WeekCalendar } from '#kernel/weeks.ts';

/** What of an item a week's numbers rest on. */
export interface CountedItem {
  readonly kind: string;
  readonly author: string;
  readonly category: string;
  readonly impact: string;
  readonly occurred_at: string;
  readonly resolved_at: string | null;
}

/** A week's numbers as counted by the plainest means, item by item and by the names of local days. */
export interface Recount {
  readonly stats: WeekStats;
  readonly days: readonly DayActivity[];
  readonly categories: Readonly<Record<string, number>>;
  readonly impacts: Readonly<Record<string, number>>;
}

/** Counts the week that begins on a local day. */
export function recountWeek(items: readonly CountedItem[], startDate: string, calendar: WeekCalendar): Recount {
  const first = Temporal.PlainDate.from(startDate);
  const dates = Array.from({ length: 7 }, (_, days) => first.add({ days }).toString());
  const lastDate = dates[6] ?? '';
  const dateOf = (time: string) =>
    Temporal.Instant.from(time).toZonedDateTimeISO(calendar.timezone).toPlainDate().toString();
  const own = items.filter(({ occurred_at }) => dates.includes(dateOf(occurred_at)));
  const open = items.filter(
    ({ kind, occurred_at, resolved_at }) =>
      kind === 'review' && dateOf(occurred_at) <= lastDate && (resolved_at === null || dateOf(resolved_at) > lastDate),
  );
  const count = (some: readonly CountedItem[], kind: string) => some.filter((item) => item.kind === kind).length;
  const tally = (names: readonly string[]) =>
    Object.fromEntries([...Map.groupBy(names, (name) => name)].map(([name, found]) => [name, found.length]));
  return {
    stats: {
      newUploads: count(own, 'upload'),
      updates: count(own, 'update'),
      decisions: count(own, 'decision'),
      completedTasks: count(own, 'completion'),
      contributors: new Set(own.map(({ author }) => author)).size,
      pendingReviews: open.length,
    },
    days: dates.map((date) => {
      const there = own.filter(({ occurred_at }) => dateOf(occurred_at) === date);
      const name = Temporal.PlainDate.from(date).dayOfWeek - 1;
      return {
        day: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'][name] ?? '',
        date,
        uploads: count(there, 'upload'),
        updates: count(there, 'update'),
        decisions: count(there, 'decision'),
        completed: count(there, 'completion'),
      };
    }),
    categories: tally(own.map(({ category }) => category)),
    impacts: tally(own.map(({ impact }) => impact)),
  };
}
