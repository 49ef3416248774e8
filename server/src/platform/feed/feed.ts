import type { FeedEventType, FeedPayload } from '@almanac/contract/feed.ts';
import type { Bus } from '#platform/bus/bus.ts';
import type { RootHandle } from '#platform/db/database.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import type { Log } from '#platform/log/log.ts';
import { createDoorbell, type Doorbell } from './doorbell.ts';
import { type FeedFollower, openFollower } from './feed-follower.ts';
import { audienceOf, type FeedBatch, type FeedViewer, toMessages } from './feed-reader.ts';
import * as store from './feed-store.ts';
import { FeedTail } from './feed-tail.ts';

/** What a feature announces. The transaction that makes the change carries it. */
export type FeedDraft = { [EventType in FeedEventType]: DraftOf<EventType> }[FeedEventType];

interface DraftOf<EventType extends FeedEventType> {
  type: EventType;
  payload: FeedPayload<EventType>;
  /** One member alone; without it, the whole organization. */
  audience?: FeedViewer;
  /**
   * What the state is of. With a subject, only the newest state counts: the first goes out at once, then at most four a
   * second, the newest last. Without one, it is an event of a thing's life, and every one goes out.
   */
  subject?: string;
}

/** What a poll asks for: events past `after`, at most `limit` (100 unless told), of some types or of all. */
export interface FeedQuery {
  after: number;
  types?: readonly FeedEventType[] | undefined;
  limit?: number | undefined;
}

/** Where a follower begins: past `after`, or at the head without it. */
export interface FollowOptions {
  after?: number | undefined;
  types?: readonly FeedEventType[] | undefined;
}

type Closable = Pick<FeedFollower, 'close'>;

/** What is counted of the feed. */
export interface FeedTelemetry {
  countFeedPublished(count: number): void;
}

interface FeedOptions {
  root: RootHandle;
  bus: Pick<Bus, 'publish' | 'subscribe' | 'onRestored' | 'isShared'>;
  log: Log;
  telemetry?: FeedTelemetry;
  /** How often the backstop looks for what no doorbell told of. */
  beatMs?: number;
}

const everybody = 'organization';
const keptMs = 24 * 60 * 60 * 1_000;

/** Opens the event feed of this process on the database. */
export function createFeed(options: FeedOptions): Feed {
  return new Feed(options);
}

/** The event log of each organization: published into by transactions, read by polling and by followers. */
export class Feed {
  readonly #root: RootHandle;
  readonly #log: Log;
  readonly #telemetry: FeedTelemetry | undefined;
  readonly #doorbell: Doorbell;
  readonly #beatTimer: NodeJS.Timeout;
  readonly #drafts = new WeakMap<OrganizationTx, store.StoredDraft[]>();
  readonly #tails = new Map<string, { tail: FeedTail; followers: Set<Closable> }>();
  readonly #dueTimers = new Map<string, { timer: NodeJS.Timeout; at: number }>();
  #beating: Promise<void> | undefined;
  #isFailing = false;
  #takesFollowers = true;
  #isClosed = false;

  constructor({ root, bus, log, telemetry, beatMs = 1_000 }: FeedOptions) {
    this.#root = root;
    this.#log = log;
    this.#telemetry = telemetry;
    this.#doorbell = createDoorbell({
      bus,
      onRing: (organizationId, headId) => this.#tails.get(organizationId)?.tail.poke(headId),
      onMissed: () => void this.beat(),
    });
    this.#beatTimer = setInterval(() => void this.beat(), beatMs);
    this.#beatTimer.unref();
  }

  /** Announces with the transaction: numbered as its last statement, told after its commit, gone with its rollback. */
  publish(tx: OrganizationTx, draft: FeedDraft): void {
    const { type, payload, audience, subject } = draft;
    const stored: store.StoredDraft = {
      type,
      audience: audience ? audienceOf(audience) : everybody,
      subject: subject ?? null,
      payload,
    };
    const drafts = this.#drafts.get(tx);
    if (drafts) return void drafts.push(stored);
    this.#drafts.set(tx, [stored]);
    tx.beforeCommit(async () => {
      const newest = keepNewestStates(this.#drafts.get(tx) ?? []);
      this.#drafts.delete(tx);
      const numbering = await store.publishDrafts(tx, newest);
      tx.afterCommit(() => this.#announce(tx.organizationId, numbering));
    });
  }

  /**
   * Announces events and answers the number of the last, the others having those before it. It holds the organization's
   * next number until the commit, so it is for a transaction that has nothing else left to do.
   */
  async publishNumbered(tx: OrganizationTx, drafts: readonly Omit<FeedDraft, 'subject'>[]): Promise<number> {
    const stored = drafts.map(({ type, payload, audience }) => ({
      type,
      audience: audience ? audienceOf(audience) : everybody,
      subject: null,
      payload,
    }));
    const numbering = await store.publishDrafts(tx, stored);
    tx.afterCommit(() => this.#announce(tx.organizationId, numbering));
    return numbering.headId;
  }

  /** Reads past a cursor once. The first event's `previous_id` is the cursor given. */
  async readAfter(organizationId: string, viewer: FeedViewer, query: FeedQuery): Promise<FeedBatch> {
    const { after, types, limit = 100 } = query;
    const page = await store.readPage(this.#root, { organizationId, userId: viewer.userId, after, types, limit });
    if (after < page.keptAfter || after > page.headId) return { events: [], cursor: page.headId, isGone: true };
    const last = page.events.at(-1);
    const cursor = last && page.events.length === limit ? last.id : page.headId;
    return { events: toMessages(page.events, after), cursor, isGone: false };
  }

  /** The organization's last number; 0 before its first event. */
  async head(organizationId: string): Promise<number> {
    const { headId } = await store.readRange(this.#root, organizationId);
    return headId;
  }

  /** Begins to follow an organization's events as they come. Rejects when the database does not answer. */
  async follow(organizationId: string, viewer: FeedViewer, options: FollowOptions = {}): Promise<FeedFollower> {
    const { tail, followers } = this.#openTail(organizationId);
    // Holds the tail open until the follower stands.
    const holder: Closable = { close: () => undefined };
    followers.add(holder);
    try {
      const follower: FeedFollower = await openFollower({
        root: this.#root,
        tail,
        organizationId,
        viewer,
        after: options.after,
        types: options.types,
        onClose: () => this.#leave(organizationId, tail, follower),
      });
      followers.add(follower);
      if (!this.#takesFollowers) follower.close();
      return follower;
    } finally {
      this.#leave(organizationId, tail, holder);
    }
  }

  /** Does what the timer does: numbers due states of any process, and looks for unread events of what is followed here. */
  beat(): Promise<void> {
    this.#beating ??= this.#runBeat().finally(() => {
      this.#beating = undefined;
    });
    return this.#beating;
  }

  /** Removes what is older than 24 hours, for a job to call. Answers how many events went. */
  deleteOld(now: Date): Promise<number> {
    return store.deleteBefore(this.#root, new Date(now.getTime() - keptMs));
  }

  /** How many organizations are followed in this process, and how many states wait for a timer here. */
  counts(): { tails: number; waitingStates: number } {
    return { tails: this.#tails.size, waitingStates: this.#dueTimers.size };
  }

  /** Ends all following, for a process that stops: a stream would hold it open. What is published still goes out. */
  endFollowing(): void {
    this.#takesFollowers = false;
    for (const { followers } of this.#tails.values()) {
      for (const follower of followers) follower.close();
    }
  }

  /** Ends all following. What waits to be numbered is left to the other processes, or to the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#beatTimer);
    for (const { timer } of this.#dueTimers.values()) clearTimeout(timer);
    this.#dueTimers.clear();
    this.endFollowing();
    for (const { tail } of this.#tails.values()) tail.close();
    this.#tails.clear();
    this.#doorbell.close();
    await this.#beating;
  }

  #openTail(organizationId: string): { tail: FeedTail; followers: Set<Closable> } {
    const known = this.#tails.get(organizationId);
    if (known) return known;
    const tail = new FeedTail({ root: this.#root, organizationId, log: this.#log });
    const opened = { tail, followers: new Set<Closable>() };
    this.#tails.set(organizationId, opened);
    return opened;
  }

  #leave(organizationId: string, tail: FeedTail, follower: Closable): void {
    const open = this.#tails.get(organizationId);
    if (open?.tail !== tail) return;
    open.followers.delete(follower);
    if (open.followers.size > 0) return;
    tail.close();
    this.#tails.delete(organizationId);
  }

  #announce(organizationId: string, { headId, dueInMs, numberedCount }: store.Numbering): void {
    this.#telemetry?.countFeedPublished(numberedCount);
    if (this.#isClosed) return;
    if (numberedCount > 0) {
      this.#tails.get(organizationId)?.tail.poke(headId);
      this.#doorbell.ring(organizationId, headId);
    }
    if (dueInMs !== undefined) this.#armDue(organizationId, dueInMs);
  }

  #armDue(organizationId: string, dueInMs: number): void {
    const at = performance.now() + dueInMs;
    const armed = this.#dueTimers.get(organizationId);
    if (armed && armed.at <= at) return;
    clearTimeout(armed?.timer);
    // A timer may fire a millisecond early.
    const timer = setTimeout(() => void this.#numberDue(organizationId), dueInMs + 1);
    timer.unref();
    this.#dueTimers.set(organizationId, { timer, at });
  }

  async #numberDue(organizationId: string): Promise<void> {
    this.#dueTimers.delete(organizationId);
    await this.#guarded(async () => {
      this.#announce(organizationId, await store.numberDueStates(this.#root, organizationId));
    });
  }

  async #runBeat(): Promise<void> {
    await this.#guarded(async () => {
      const heads = await store.beat(this.#root, [...this.#tails.keys()]);
      if (this.#isClosed) return;
      for (const [organizationId, headId] of heads) this.#tails.get(organizationId)?.tail.poke(headId);
    });
  }

  /** A database that is away is told once, not each second; the beat goes on and finds it back. */
  async #guarded(run: () => Promise<void>): Promise<void> {
    try {
      await run();
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing && !this.#isClosed) this.#log.warn({ err: error }, 'the feed cannot reach the database');
      this.#isFailing = true;
    }
  }
}

function keepNewestStates(drafts: readonly store.StoredDraft[]): store.StoredDraft[] {
  const newest = new Map<string, store.StoredDraft>();
  for (const [index, draft] of drafts.entries()) {
    const key = draft.subject === null ? `${index}` : JSON.stringify([draft.audience, draft.type, draft.subject]);
    newest.delete(key);
    newest.set(key, draft);
  }
  return [...newest.values()];
}
