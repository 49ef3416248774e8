import type { FeedEventType, FeedPayload } from '@almanac/contract/feed.ts';
import type { LiveState } from './socket-link.ts';

/** An event of the organization's feed; its type tells what the payload holds. */
export type FeedEvent<EventType extends FeedEventType = FeedEventType> = {
  [Type in EventType]: {
    /** Grows by commit order; where to go on from after a restart. */
    readonly id: number;
    readonly type: Type;
    readonly payload: FeedPayload<Type>;
    /** RFC 3339, UTC. */
    readonly created_at: string;
  };
}[EventType];

/** What of the feed is wanted, and who is told. */
export interface FeedOptions<EventType extends FeedEventType = FeedEventType> {
  /** Only these; all without. */
  types?: readonly EventType[] | undefined;
  /** The last number seen; without it only what comes from now on is told. 0: from the oldest event that is kept. */
  after?: number | undefined;
  /** Is handed each event once, in order, whatever becomes of the connection. */
  onEvent: (event: FeedEvent<EventType>) => void;
  /** Some events are no longer kept: read anew what is shown. What follows `cursor` comes by `onEvent`. */
  onGone?: ((cursor: number) => void) | undefined;
  onState?: ((state: LiveState) => void) | undefined;
  /** The session has ended or lost its rights: nothing more comes. */
  onEnd?: ((reason: unknown) => void) | undefined;
}

/** One who follows the feed, until it is closed. All of a client share one connection. */
export interface FeedConnection {
  readonly state: LiveState;
  /** The last number seen: `after` of the next time. Undefined until the server has told where it begins. */
  readonly cursor: number | undefined;
  close(): void;
}
