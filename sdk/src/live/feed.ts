import type { FeedEventType, FeedMessage } from '@almanac/contract/feed.ts';
import type { Calls } from '../call-types.ts';
import type { FeedConnection, FeedOptions } from './feed-types.ts';
import { Follower } from './follower.ts';
import { ask, type Socket } from './socket.ts';
import { type LinkOptions, SocketLink } from './socket-link.ts';

interface FeedDependencies extends Omit<LinkOptions, 'use' | 'namespace'> {
  organization: string | undefined;
  read: Calls['feed']['read'];
}

/** What the server answers a subscription, or the end of a polled page, with. */
interface Place {
  cursor: number;
  gone: boolean;
}

/** What was asked for, and for whom. */
interface Round {
  readonly followers: readonly Follower[];
  readonly after: number | undefined;
  readonly types: readonly FeedEventType[] | undefined;
}

interface Reading {
  after?: number | undefined;
  types?: readonly FeedEventType[] | undefined;
  limit?: number;
  signal?: AbortSignal | undefined;
}

const pageSize = 1_000;

/** The feed of one client: one connection, however many follow. */
export class Feed {
  readonly #dependencies: FeedDependencies;
  readonly #followers = new Set<Follower>();
  #link: SocketLink | undefined;
  /** What is being followed; what was asked for before it is not for those who follow now. */
  #round: Round | undefined;
  /** The number up to which the connection has brought everything. */
  #position = 0;
  /** Events that came while those before them were still being fetched. */
  #held: FeedMessage[] | undefined;

  constructor(dependencies: FeedDependencies) {
    this.#dependencies = dependencies;
  }

  /** Follows the feed until the connection that is answered is closed. */
  connect<EventType extends FeedEventType>(options: FeedOptions<EventType>): FeedConnection {
    if (options.types?.length === 0) throw new TypeError('types: name one at least, or leave it out for all.');
    const follower = new Follower(options as unknown as FeedOptions, (closed) => this.#leave(closed));
    this.#followers.add(follower);
    if (this.#link) this.#include(this.#link);
    else this.#link = this.#openLink();
    return follower;
  }

  #openLink(): SocketLink {
    const { organization } = this.#dependencies;
    return new SocketLink({
      ...this.#dependencies,
      namespace: '/',
      use: {
        handshake: () => (organization === undefined ? {} : { organization }),
        listen: (socket) => this.#listen(socket),
        begin: (socket) => this.#subscribe(socket),
        poll: (signal) => this.#poll(signal),
        onState: () => this.#tellState(),
        onEnd: (reason) => this.#end(reason),
      },
    });
  }

  /** Asks anew, for the one who came to a connection that stands. */
  #include(link: SocketLink): void {
    const socket = link.liveSocket;
    if (socket) this.#subscribe(socket).catch(() => link.drop());
    else link.pollSoon();
  }

  #leave(follower: Follower): void {
    this.#followers.delete(follower);
    if (this.#followers.size > 0) return;
    this.#link?.close();
    this.#link = undefined;
    this.#round = undefined;
  }

  #end(reason: unknown): void {
    const followers = [...this.#followers];
    this.#followers.clear();
    this.#link = undefined;
    this.#round = undefined;
    for (const follower of followers) follower.end(reason);
  }

  #tellState(): void {
    const { state } = this.#link ?? { state: 'connecting' };
    for (const follower of [...this.#followers]) follower.setState(state);
  }

  #listen(socket: Socket): void {
    socket.on('feed_event', (event: FeedMessage) => this.#take(event));
    socket.on('feed_gone', ({ cursor }: Place) => {
      const round = this.#round;
      if (!round) return;
      this.#position = cursor;
      for (const follower of round.followers) follower.miss(cursor);
    });
    // Else the server sends the whole running week to whoever has subscribed to nothing.
    socket.on('connect', () => void socket.emit('unsubscribe_weekly_updates', {}));
  }

  /** Follows on from the one who is furthest behind: the others pass over what they have seen. */
  async #subscribe(socket: Socket): Promise<void> {
    const round = await this.#beginRound();
    const { after, types } = round;
    const wanted = { ...(after === undefined ? {} : { after }), ...(types ? { types } : {}) };
    let isComplete = true;
    await ask(socket, ['feed_subscribe', wanted], (answer) => {
      if (round !== this.#round) return;
      const place = answer as unknown as Place;
      this.#position = place.cursor;
      isComplete = this.#settle(round, place);
      // What comes until the others are asked for again comes again then.
      this.#held = isComplete ? undefined : [];
    });
    const isLeftOut = (follower: Follower) => !round.followers.includes(follower);
    if (!isComplete || [...this.#followers].some(isLeftOut)) return this.#subscribe(socket);
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const round = await this.#beginRound(signal);
    let { after } = round;
    for (let isLast = false; !isLast; ) {
      const { events, ...place } = await this.#read({ after, types: round.types, signal });
      if (round !== this.#round) return;
      if (!this.#settle({ ...round, after }, place)) return this.#poll(signal);
      for (const event of events) this.#deliver(event);
      for (const follower of round.followers) follower.passTo(place.cursor);
      after = place.cursor;
      isLast = events.length < pageSize;
    }
  }

  /** Fixes who is asked for, and from where. */
  async #beginRound(signal?: AbortSignal): Promise<Round> {
    await this.#placeNewcomers(signal);
    const followers = [...this.#followers];
    const cursors = followers.flatMap(({ cursor }) => cursor ?? []);
    const wanted = followers.map(({ types }) => types);
    const round: Round = {
      followers,
      after: cursors.length > 0 ? Math.min(...cursors) : undefined,
      types: wanted.includes(undefined) ? undefined : [...new Set(wanted.flatMap((types) => types ?? []))],
    };
    this.#round = round;
    return round;
  }

  /** Finds each newcomer's own place: where all want the same, the answer that serves them tells it. */
  async #placeNewcomers(signal: AbortSignal | undefined): Promise<void> {
    const all = [...this.#followers];
    if (new Set(all.map((follower) => follower.cursor)).size < 2) return;
    for (const newcomer of all.filter(({ isPlaced }) => !isPlaced)) {
      const { cursor, gone } = await this.#read({ after: newcomer.cursor, limit: 1, signal });
      if (newcomer.isPlaced) continue;
      if (gone) newcomer.miss(cursor);
      else newcomer.placeAt(cursor);
    }
  }

  /**
   * Lets those of a round be served. Where what the furthest behind wanted is gone, only they have missed something: false
   * tells to ask again for the others.
   */
  #settle({ followers, after }: Round, { cursor, gone }: Place): boolean {
    const isLost = ({ cursor: place = 0 }: Follower) => place === after || place > cursor;
    const behind = gone ? followers.filter(isLost) : [];
    for (const follower of behind) follower.miss(cursor);
    if (behind.length < followers.length && gone) return false;
    for (const follower of followers) {
      follower.placeAt(cursor);
      if (this.#followers.has(follower)) follower.serve();
    }
    this.#tellState();
    return true;
  }

  #take(event: FeedMessage): void {
    if (this.#held) this.#held.push(event);
    else if (event.previous_id > this.#position) this.#fillGap(event);
    else this.#pass(event);
  }

  #pass(event: FeedMessage): void {
    this.#position = Math.max(this.#position, event.id);
    this.#deliver(event);
  }

  #deliver(event: FeedMessage): void {
    for (const follower of [...this.#followers]) follower.take(event);
  }

  /** Fetches what lies before an event; what comes meanwhile waits. A fault drops the connection: the next one resumes. */
  #fillGap(event: FeedMessage): void {
    const round = this.#round;
    const link = this.#link;
    this.#held = [event];
    this.#catchUp(round).then(
      () => {
        if (round !== this.#round) return;
        const held = this.#held ?? [];
        this.#held = undefined;
        for (const waiting of held) {
          if (waiting.previous_id > this.#position) return link?.drop();
          this.#pass(waiting);
        }
      },
      () => link?.drop(),
    );
  }

  async #catchUp(round: Round | undefined): Promise<void> {
    for (let isLast = false; !isLast; ) {
      const { events, cursor, gone } = await this.#read({ after: this.#position, types: round?.types });
      if (round !== this.#round) return;
      if (gone) for (const follower of round?.followers ?? []) follower.miss(cursor);
      for (const event of events) this.#deliver(event);
      this.#position = cursor;
      isLast = events.length < pageSize;
    }
  }

  #read({ after, types, limit = pageSize, signal }: Reading) {
    const query = {
      limit,
      ...(after === undefined ? {} : { after }),
      ...(types ? { types: types.join(',') } : {}),
    };
    // Where the server asks for patience, the link has its own.
    return this.#dependencies.read({ query, signal, retries: 0 });
  }
}
