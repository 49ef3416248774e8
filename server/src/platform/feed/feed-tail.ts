import type { RootHandle } from '#platform/db/database.ts';
import type { Log } from '#platform/log/log.ts';
import { readRange, readTail, type StoredEvent } from './feed-store.ts';

const maxEvents = 1_000;
const pageSize = 500;

/**
 * Told that there is something to read. What is up to `from` was none of the waiting one's; where that is undefined, nobody
 * can tell.
 */
type Wake = (from: number | undefined) => void;

interface TailOptions {
  root: RootHandle;
  organizationId: string;
  log: Log;
}

/**
 * The newest events of one organization, in memory while it has followers in this process: however many there are, each
 * new event is read once.
 */
export class FeedTail {
  readonly #root: RootHandle;
  readonly #organizationId: string;
  readonly #log: Log;
  /** Who waits for what is for all, and for an audience of its own. */
  #waiting = new Map<string, Set<Wake>>();
  readonly #started: Promise<void>;
  #events: StoredEvent[] = [];
  #position = 0;
  #knownHead = 0;
  #isAsked = false;
  #reading: Promise<void> | undefined;
  #isClosed = false;

  constructor({ root, organizationId, log }: TailOptions) {
    this.#root = root;
    this.#organizationId = organizationId;
    this.#log = log;
    this.#started = this.#begin();
  }

  /** Resolves once the position is known; rejects when the database does not answer. */
  get started(): Promise<void> {
    return this.#started;
  }

  /** The last number that followers can be served up to. */
  get position(): number {
    return this.#position;
  }

  /** Numbers above this one, up to the position, are in memory. */
  get from(): number {
    return this.#position - this.#events.length;
  }

  /** The events in memory past a cursor, which must not be below `from`. */
  *past(cursor: number): Generator<StoredEvent> {
    // Numbers have no holes, so a number is an index.
    for (let index = cursor - this.from; index < this.#events.length; index += 1) {
      const event = this.#events[index];
      if (event) yield event;
    }
  }

  /** Says that events up to `headId` exist, or without it that some may. Reads them unless they are here. */
  poke(headId?: number): void {
    if (this.#isClosed || (headId !== undefined && headId <= this.#position)) return;
    if (headId === undefined) this.#isAsked = true;
    else this.#knownHead = Math.max(this.#knownHead, headId);
    this.#reading ??= this.#read();
  }

  /** Reads what there is by now. */
  async refresh(): Promise<void> {
    this.poke();
    await this.#reading;
  }

  /**
   * Calls once when an event for all or for the audience comes, or the tail closes; the returned function takes that back.
   * An event for one member so wakes none of the others, however many follow.
   */
  onAdvance(audience: string, wake: Wake): () => void {
    const waiting = this.#waiting.get(audience) ?? new Set();
    this.#waiting.set(audience, waiting.add(wake));
    return () => {
      waiting.delete(wake);
      if (waiting.size === 0 && this.#waiting.get(audience) === waiting) this.#waiting.delete(audience);
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#events = [];
    this.#wakeAll(undefined);
  }

  async #begin(): Promise<void> {
    const { headId } = await readRange(this.#root, this.#organizationId);
    this.#position = headId;
  }

  async #read(): Promise<void> {
    try {
      await this.#started;
      while (!this.#isClosed && (this.#isAsked || this.#knownHead > this.#position)) await this.#readPage();
    } catch (error) {
      // The next beat asks again.
      this.#isAsked = false;
      this.#knownHead = this.#position;
      this.#log.warn({ err: error, organization: this.#organizationId }, 'new events could not be read');
    } finally {
      // In the same turn as the loop's last check: whoever pokes after that starts a new reading.
      this.#reading = undefined;
    }
  }

  async #readPage(): Promise<void> {
    const target = this.#knownHead;
    this.#isAsked = false;
    const events = await readTail(this.#root, this.#organizationId, { after: this.#position, limit: pageSize });
    this.#append(events);
    if (events.length === pageSize) this.#isAsked = true;
    else if (target === this.#knownHead) this.#knownHead = this.#position;
  }

  #append(events: readonly StoredEvent[]): void {
    const [first] = events;
    if (!first || this.#isClosed) return;
    const before = this.#position;
    // A hole means that events were removed before they were read here: what is in memory no longer joins up.
    const isJoined = first.id === before + 1;
    if (!isJoined) this.#events = [];
    this.#events.push(...events);
    if (this.#events.length > maxEvents) this.#events.splice(0, this.#events.length - maxEvents);
    this.#position = first.id + events.length - 1;
    const audiences = new Set(events.map(({ audience }) => audience));
    if (!isJoined) this.#wakeAll(undefined);
    else if (audiences.has('organization')) this.#wakeAll(before);
    else for (const audience of audiences) this.#wake(audience, before);
  }

  #wake(audience: string, from: number | undefined): void {
    const waiting = this.#waiting.get(audience) ?? [];
    this.#waiting.delete(audience);
    for (const wake of waiting) wake(from);
  }

  #wakeAll(from: number | undefined): void {
    for (const audience of [...this.#waiting.keys()]) this.#wake(audience, from);
  }
}
