import type { FeedEventType, FeedMessage } from '@almanac/contract/feed.ts';
import type { StoredEvent } from './feed-store.ts';

/** Who reads an organization's feed: a member sees what is for all and what is for that member alone. */
export interface FeedViewer {
  readonly userId: string;
}

/** One answer to a reader. */
export interface FeedBatch {
  readonly events: FeedMessage[];
  /** Where to go on from. */
  readonly cursor: number;
  /** True when what followed the reader's cursor is no longer kept, or never was: it has to take a snapshot. */
  readonly isGone: boolean;
}

/** True when the reader is shown the event. */
export function isShown(
  event: StoredEvent,
  viewer: FeedViewer,
  types: ReadonlySet<FeedEventType> | undefined,
): boolean {
  if (types !== undefined && !types.has(event.type)) return false;
  return event.audience === 'organization' || event.audience === audienceOf(viewer);
}

/** The audience of one member alone. */
export function audienceOf({ userId }: FeedViewer): string {
  return `user:${userId}`;
}

/** Chains stored events into messages, each naming the one before it in what this reader is shown. */
export function toMessages(events: readonly StoredEvent[], previousId: number): FeedMessage[] {
  let previous = previousId;
  return events.map(({ id, type, payload, createdAt }) => {
    const message = { id, previous_id: previous, type, payload, created_at: createdAt.toISOString() };
    previous = id;
    return message;
  });
}
