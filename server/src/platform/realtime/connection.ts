import { setTimeout as pause } from 'node:timers/promises';
import type { FeedEventType } from '@almanac/contract/feed.ts';
import type { Socket } from 'socket.io';
import type { Static, TSchema } from 'typebox';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { Feed } from '#platform/feed/feed.ts';
import type { FeedFollower } from '#platform/feed/feed-follower.ts';
import type { FeedBatch } from '#platform/feed/feed-reader.ts';
import type { Log } from '#platform/log/log.ts';
import type { Admission } from './handshake.ts';
import { type AckBody, createInbox, type Inbox } from './inbox.ts';
import { Outlet } from './outlet.ts';
import type { PayloadCheck } from './payload-checks.ts';
import type { RealtimeLimits } from './realtime-limits.ts';
import { type Comeback, type FeedPlace, noPlace } from './recovery.ts';
import type { SessionEnd, WatchedSession } from './session-watch.ts';
import type { TransportGauge } from './transport-gauge.ts';

type OnBatch = (batch: FeedBatch) => void | Promise<void>;

/** What a connection follows. */
export interface Following {
  /** Where it began; undefined where the connection had ended before. */
  readonly cursor: number | undefined;
  stop(): void;
}

/** One client in one namespace, as features meet it. */
export interface Connection {
  readonly id: string;
  /** Who it is: decided by the server, whatever the client sends. */
  readonly principal: UserPrincipal;
  /** Present where the client was here before, and the namespace has clients sent what they missed. */
  readonly comeback: Comeback | undefined;
  /**
   * Takes an event. The payload is checked first; what the handler answers goes to the client's acknowledgement callback
   * beside `success: true`. An AppError thrown reaches the client as the event `error`, and in the acknowledgement.
   */
  on<Schema extends TSchema>(
    event: string,
    schema: Schema,
    handle: (payload: Static<Schema>, connection: Connection) => Promise<AckBody> | AckBody,
  ): void;
  /** Resolves when the client has room for a message, or the connection has ended. */
  room(): Promise<void>;
  /**
   * Sends a message that must not be left out; with a place, the client goes on from there when it comes back. With null it
   * needs the state anew, wherever it was before.
   */
  send(event: string, payload: unknown, place?: FeedPlace | null): void;
  /**
   * Sends the newest state of something: made only when the client has room for it, and once however often it is asked for
   * until then. Nothing is sent where `produce` answers undefined.
   */
  sendState(key: string, event: string, produce: () => Promise<unknown>): void;
  /**
   * Follows the organization's feed, from now on unless told, as far as the principal is shown it, as fast as the client
   * reads; a batch with `isGone` says that some events were passed over. Resolves once it follows: a state made after that
   * misses nothing.
   */
  follow(types: readonly FeedEventType[], onBatch: OnBatch, options?: { after?: number }): Promise<Following>;
  /** Has the client connect again, where it cannot be served here and now. */
  sendElsewhere(): void;
  /** Runs when the connection has ended. */
  onClose(run: () => void): void;
}

interface ConnectionOptions {
  socket: Socket;
  admission: Admission;
  comeback: Comeback | undefined;
  /** Seals a place for the client. */
  seal: (place: FeedPlace) => string;
  gauge: TransportGauge;
  feed: Pick<Feed, 'follow'>;
  limits: RealtimeLimits;
  checkFor: (schema: TSchema) => PayloadCheck;
  now: () => Date;
  log: Log;
}

const retryMs = 1_000;
const goodbyeMs = 2_000;

/** A connection with its lifetime: what the platform does with it beyond what features may. */
export class LiveConnection implements Connection, WatchedSession {
  readonly outlet: Outlet;
  readonly #options: ConnectionOptions;
  readonly #inbox: Inbox;
  readonly #followers = new Set<FeedFollower>();
  readonly #onClose: (() => void)[] = [];
  #admission: Admission;
  #progress = { mark: '', at: 0 };

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#admission = options.admission;
    const { socket, gauge, limits, checkFor, now, log } = options;
    this.outlet = new Outlet({
      gauge,
      limits,
      write: (event, payload) => void socket.emit(event, payload),
      onProduceFailed: (event, err) => log.error({ err, event }, 'a state for a socket could not be made'),
      onOverflow: () => this.terminate('overflow'),
    });
    this.#inbox = createInbox({
      limits,
      checkFor,
      now,
      log,
      sendError: (error) => this.send('error', { success: false, error }),
      sendAck: (ack, answer) => this.outlet.push(() => ack(answer)),
      onFlood: () => this.#sayGoodbye('flood'),
    });
    // No further listener: an event reaches the inbox or nothing.
    socket.use((packet) => void this.#inbox.receive(packet));
    socket.once('disconnect', () => this.#close());
  }

  get id(): string {
    return this.#options.socket.id;
  }

  get principal(): UserPrincipal {
    return this.#admission.principal;
  }

  get comeback(): Comeback | undefined {
    return this.#options.comeback;
  }

  get expiresAt(): Date | undefined {
    return this.#admission.expiresAt ?? this.#admission.principal.expiresAt;
  }

  get transportName(): string {
    return this.#options.gauge.transportName;
  }

  on<Schema extends TSchema>(
    event: string,
    schema: Schema,
    handle: (payload: Static<Schema>, connection: Connection) => Promise<AckBody> | AckBody,
  ): void {
    this.#inbox.on(event, schema, async (payload) => handle(payload as Static<Schema>, this));
  }

  room(): Promise<void> {
    return this.outlet.room();
  }

  send(event: string, payload: unknown, place?: FeedPlace | null): void {
    const { socket, seal } = this.#options;
    const parts = place === undefined ? [payload] : [payload, place ? seal(place) : noPlace];
    this.outlet.push(() => void socket.emit(event, ...parts));
  }

  sendState(key: string, event: string, produce: () => Promise<unknown>): void {
    this.outlet.pushState(key, { event, produce });
  }

  async follow(
    types: readonly FeedEventType[],
    onBatch: OnBatch,
    { after }: { after?: number } = {},
  ): Promise<Following> {
    while (this.outlet.isOpen) {
      try {
        const follower = await this.openFollower({ types, after });
        const { cursor, isGone } = follower;
        void this.pull(follower, onBatch, isGone ? { events: [], cursor, isGone } : undefined);
        return { cursor, stop: () => follower.close() };
      } catch (error) {
        this.#options.log.warn({ err: error }, 'a connection cannot follow the feed yet');
        await pause(retryMs, undefined, { ref: false });
      }
    }
    return { cursor: undefined, stop: () => undefined };
  }

  onClose(run: () => void): void {
    this.#onClose.push(run);
  }

  /** Opens a follower that ends with the connection. */
  async openFollower(options: { after?: number | undefined; types?: readonly FeedEventType[] | undefined }) {
    const { organizationId, userId } = this.principal;
    const follower = await this.#options.feed.follow(organizationId, { userId }, options);
    this.#followers.add(follower);
    if (!this.outlet.isOpen) follower.close();
    return follower;
  }

  /** Hands a follower's batches on, behind the one to begin with, while the client has room, until the follower or the connection is closed. */
  async pull(follower: FeedFollower, onBatch: OnBatch, begin?: FeedBatch): Promise<void> {
    let first = begin;
    while (!follower.isClosed) {
      await this.outlet.room();
      try {
        const batch = first ?? (await follower.next());
        first = undefined;
        if (!follower.isClosed) await onBatch(batch);
      } catch (error) {
        this.#options.log.warn({ err: error }, 'feed events could not be handed to a connection');
        await pause(retryMs, undefined, { ref: false });
      }
    }
    this.#followers.delete(follower);
  }

  /** Goes on under fresh credentials of the same user. */
  renew(admission: Admission): void {
    this.#admission = admission;
  }

  end(end: SessionEnd): void {
    const reason = end === 'token_expired' ? 'The access token has expired.' : 'The session or membership has ended.';
    this.#options.socket.emit(end, { reason });
    this.#sayGoodbye(end);
  }

  /** Ends a connection that cannot be served, and says why. */
  refuse(error: string): void {
    this.#options.socket.emit('error', { success: false, error });
    this.#sayGoodbye('refused');
  }

  /** Closes the transport without a farewell of the namespace: a stock client connects again, elsewhere if need be. */
  sendElsewhere(): void {
    this.#options.gauge.closeWithin(goodbyeMs);
  }

  /** Drops a client that has taken nothing of what waits for too long. */
  endIfStalled(): void {
    const { gauge, limits } = this.#options;
    const mark = gauge.waitingBytes === 0 ? '' : gauge.progressMark();
    if (mark === '' || mark !== this.#progress.mark) {
      this.#progress = { mark, at: performance.now() };
    } else if (performance.now() - this.#progress.at >= limits.stalledMs) {
      this.terminate('stalled');
    }
  }

  terminate(reason: string): void {
    this.#logEnd(reason);
    this.#options.gauge.terminate();
  }

  #sayGoodbye(reason: string): void {
    if (!this.outlet.isOpen) return;
    this.#logEnd(reason);
    this.#options.socket.disconnect(true);
    this.#options.gauge.closeWithin(goodbyeMs);
  }

  #logEnd(reason: string): void {
    const { userId: user, organizationId: organization } = this.principal;
    this.#options.log.info({ reason, user, organization }, 'a socket was ended');
  }

  #close(): void {
    this.outlet.close();
    for (const follower of this.#followers) follower.close();
    for (const run of this.#onClose) run();
  }
}
