import type { FeedEventType, FeedMessage } from '@almanac/contract/feed.ts';
import { callListener } from './call-listener.ts';
import type { FeedConnection, FeedEvent, FeedOptions } from './feed-types.ts';
import type { LiveState } from './socket-link.ts';

/** One who follows the feed: has a place of its own in it, and is told nothing twice. */
export class Follower implements FeedConnection {
  readonly types: readonly FeedEventType[] | undefined;
  readonly #options: FeedOptions;
  readonly #onClose: (follower: Follower) => void;
  #state: LiveState = 'connecting';
  #cursor: number | undefined;
  /** Whether what comes over the connection was asked for with this one in mind. */
  #isServed = false;
  #isPlaced = false;

  constructor(options: FeedOptions, onClose: (follower: Follower) => void) {
    this.types = options.types;
    this.#options = options;
    this.#cursor = options.after;
    this.#onClose = onClose;
  }

  get state(): LiveState {
    return this.#state;
  }

  get cursor(): number | undefined {
    return this.#cursor;
  }

  /** Whether the server keeps what follows its cursor, or has said that it does not. */
  get isPlaced(): boolean {
    return this.#isPlaced;
  }

  /** Begins at the head of the feed, unless it came with a cursor. */
  placeAt(head: number): void {
    this.#cursor ??= head;
    this.#isPlaced = true;
  }

  serve(): void {
    this.#isServed = true;
  }

  take({ id, type, payload, created_at }: FeedMessage): void {
    if (!this.#isServed || this.#cursor === undefined || id <= this.#cursor) return;
    this.#cursor = id;
    if (this.types && !this.types.includes(type)) return;
    const event = { id, type, payload, created_at } as FeedEvent;
    callListener(() => this.#options.onEvent(event));
  }

  /** Moves on over numbers that hold nothing for it. */
  passTo(cursor: number): void {
    if (this.#isServed && this.#cursor !== undefined) this.#cursor = Math.max(this.#cursor, cursor);
  }

  /** Goes on from there, having missed something. */
  miss(cursor: number): void {
    this.#cursor = cursor;
    this.#isPlaced = true;
    callListener(() => this.#options.onGone?.(cursor));
  }

  /** Hears of the connection; it is live for this one only once it is served. */
  setState(state: LiveState): void {
    const own = state === 'live' && !this.#isServed ? 'connecting' : state;
    if (own === this.#state) return;
    this.#state = own;
    callListener(() => this.#options.onState?.(own));
  }

  end(reason: unknown): void {
    this.setState('offline');
    callListener(() => this.#options.onEnd?.(reason));
  }

  close(): void {
    this.#isServed = false;
    this.#onClose(this);
  }
}
