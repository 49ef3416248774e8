import type { FeedEventType } from '@almanac/contract/feed.ts';
import type { RootHandle } from '#platform/db/database.ts';
import { audienceOf, type FeedBatch, type FeedViewer, isShown, toMessages } from './feed-reader.ts';
import { readPage, readRange, type StoredEvent } from './feed-store.ts';
import type { FeedTail } from './feed-tail.ts';

const batchSize = 100;

/** One reader's place in an organization's feed. It pulls: what it does not ask for is kept nowhere for it. */
export interface FeedFollower {
  /** The number up to which it has been served. */
  readonly cursor: number;
  /** True when the number it wanted to go on from was not kept: it begins at the head, and needs a snapshot. */
  readonly isGone: boolean;
  readonly isClosed: boolean;
  /**
   * Waits for the next events, at most 100. A batch with `isGone` has none: the reader fell behind what is kept and goes
   * on from the head after a snapshot. After `close()` it answers empty batches. Rejects while the database is away.
   */
  next(): Promise<FeedBatch>;
  close(): void;
}

interface FollowerOptions {
  root: RootHandle;
  tail: FeedTail;
  organizationId: string;
  viewer: FeedViewer;
  after: number | undefined;
  types: readonly FeedEventType[] | undefined;
  onClose: () => void;
}

/** Places a reader behind a number, or at the head without one. Rejects when the database does not answer. */
export async function openFollower(options: FollowerOptions): Promise<FeedFollower> {
  const { root, tail, organizationId, after } = options;
  await tail.started;
  if (after === undefined) return new Follower(options, { cursor: tail.position, isGone: false });
  if (after >= tail.from && after <= tail.position) return new Follower(options, { cursor: after, isGone: false });
  const { keptAfter, headId } = await readRange(root, organizationId);
  tail.poke(headId);
  const isGone = after < keptAfter || after > headId;
  return new Follower(options, { cursor: isGone ? headId : after, isGone });
}

class Follower implements FeedFollower {
  readonly isGone: boolean;
  readonly #options: FollowerOptions;
  readonly #types: ReadonlySet<FeedEventType> | undefined;
  #cursor: number;
  /** The last number shown, or the one the reader came with. */
  #previousId: number;
  #isWaiting = false;
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor(options: FollowerOptions, start: { cursor: number; isGone: boolean }) {
    this.#options = options;
    this.#types = options.types === undefined ? undefined : new Set(options.types);
    this.#cursor = start.cursor;
    this.#previousId = start.cursor;
    this.isGone = start.isGone;
  }

  get cursor(): number {
    // While it waits, what comes is for others.
    return this.#isWaiting ? Math.max(this.#cursor, this.#options.tail.position) : this.#cursor;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  async next(): Promise<FeedBatch> {
    const { tail } = this.#options;
    while (!this.#isClosed) {
      if (this.#cursor >= tail.position) {
        await this.#untilAdvance();
        continue;
      }
      const batch = this.#cursor < tail.from ? await this.#readDatabase() : this.#readMemory();
      if (batch) return batch;
    }
    return { events: [], cursor: this.#cursor, isGone: false };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wake?.();
    this.#options.onClose();
  }

  async #untilAdvance(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { tail, viewer } = this.#options;
    const wake = (from: number | undefined) => {
      this.#isWaiting = false;
      if (from !== undefined) this.#cursor = Math.max(this.#cursor, from);
      resolve();
    };
    const forget = tail.onAdvance(audienceOf(viewer), wake);
    this.#isWaiting = true;
    this.#wake = () => wake(undefined);
    await promise;
    this.#wake = undefined;
    forget();
  }

  #readMemory(): FeedBatch | undefined {
    const shown: StoredEvent[] = [];
    for (const event of this.#options.tail.past(this.#cursor)) {
      this.#cursor = event.id;
      if (isShown(event, this.#options.viewer, this.#types) && shown.push(event) === batchSize) break;
    }
    return this.#toBatch(shown);
  }

  async #readDatabase(): Promise<FeedBatch | undefined> {
    const { root, organizationId, viewer, types } = this.#options;
    const after = this.#cursor;
    const page = await readPage(root, { organizationId, userId: viewer.userId, after, types, limit: batchSize });
    if (after < page.keptAfter) {
      this.#cursor = page.headId;
      this.#previousId = page.headId;
      return { events: [], cursor: page.headId, isGone: true };
    }
    this.#cursor = page.events.length < batchSize ? page.headId : (page.events.at(-1)?.id ?? page.headId);
    return this.#toBatch(page.events);
  }

  #toBatch(shown: readonly StoredEvent[]): FeedBatch | undefined {
    const last = shown.at(-1);
    if (!last) return undefined;
    const events = toMessages(shown, this.#previousId);
    this.#previousId = last.id;
    return { events, cursor: this.#cursor, isGone: false };
  }
}
