import type { ItemKind } from '@almanac/contract/weekly.ts';

/** Where changed items lie: local days, and for reviews, which count until they are resolved, the first such day. */
export interface AffectedDays {
  readonly days: readonly string[];
  readonly reviewsFrom: string | null;
}

/** Items of one kind that came into a quarter of an hour, or left it: removed, moved, or turned into another kind. */
export interface ItemDelta {
  /** A resolution is that of a review, at the time when it was resolved. */
  readonly kind: ItemKind | 'resolution';
  /** Above zero for what came, below for what left. */
  readonly count: number;
  /** Where the quarter of an hour begins. Every time zone cuts hours and days at some of these. */
  readonly quarterMs: number;
  /**
   * The first of the times at which they came, or the last of those at which they left. So an item comes no later in its
   * quarter than it leaves, however they are put together, and the counts up to any moment never add up to less than zero.
   */
  readonly atMs: number;
}

/** What a change of items did to the days and quarters of hours in which they lie. */
export interface ItemsChanged extends AffectedDays {
  readonly deltas: readonly ItemDelta[];
}

/** What several changes come to together. */
export function mergeChanges(parts: readonly ItemsChanged[]): ItemsChanged {
  const reviews = parts.flatMap(({ reviewsFrom }) => reviewsFrom ?? []).sort();
  return {
    days: [...new Set(parts.flatMap(({ days }) => days))],
    reviewsFrom: reviews[0] ?? null,
    deltas: mergeDeltas(parts.flatMap(({ deltas }) => deltas)),
  };
}

function mergeDeltas(deltas: readonly ItemDelta[]): ItemDelta[] {
  const merged = new Map<string, ItemDelta>();
  for (const delta of deltas) {
    const key = `${delta.kind}/${delta.quarterMs}/${Math.sign(delta.count)}`;
    const known = merged.get(key);
    if (!known) merged.set(key, delta);
    else {
      const atMs = delta.count > 0 ? Math.min(known.atMs, delta.atMs) : Math.max(known.atMs, delta.atMs);
      merged.set(key, { ...known, count: known.count + delta.count, atMs });
    }
  }
  return [...merged.values()];
}
