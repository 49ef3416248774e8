import type { WeekStats } from '@almanac/contract/weekly.ts';

/** The four things of a week that are counted by day. */
export interface KindCounts {
  readonly uploads: number;
  readonly updates: number;
  readonly decisions: number;
  readonly completed: number;
}

/** An item as the database gives it. */
export interface StoredItem {
  readonly id: string;
  readonly title: string;
  readonly author: string;
  readonly category: string;
  readonly impact: 'high' | 'medium' | 'low';
  readonly status: string;
  readonly url: string | null;
  readonly occurred_at: string;
}

/** A number of items under one name. */
export interface NamedCount {
  readonly name: string;
  readonly value: number;
}

/** All that a week shows, as counted by the database in one statement. */
export interface WeekNumbers {
  /** 0 where nothing ever happened in the organization. */
  readonly version: number;
  /** When the newest input arrived; null where there is none. */
  readonly changedAt: Date | null;
  readonly stats: WeekStats;
  /** Seven days, the first day of the week first. */
  readonly days: readonly KindCounts[];
  readonly categories: readonly NamedCount[];
  readonly impacts: readonly NamedCount[];
  /** Newest first, at most 50 of each. */
  readonly lists: Readonly<
    Record<'uploads' | 'updates' | 'decisions' | 'completed' | 'pending', readonly StoredItem[]>
  >;
  /** The newest high-impact items, at most three. */
  readonly highImpact: readonly StoredItem[];
  /** The eight weeks before, the nearest last, without the empty ones at their beginning. */
  readonly weeksBefore: readonly KindCounts[];
}
