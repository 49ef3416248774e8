import { AlmanacError, readRefusal } from '../almanac-error.ts';
import type { Session, Shown } from '../session.ts';
import type { Timing } from '../timing.ts';
import { ask, type OpenSocket, type Socket } from './socket.ts';

/**
 * `connecting`: not there yet, or just lost. `live`: pushed to. `polling`: asked for every 30 seconds, since no socket
 * connects. `offline`: the server is not reached at all, or the session has ended.
 */
export type LiveState = 'connecting' | 'live' | 'polling' | 'offline';

/** What runs over a link. */
export interface LinkUse {
  /** What the handshake carries beside the credentials. */
  handshake(): Record<string, unknown>;
  /** Listens to a socket that is about to connect. */
  listen(socket: Socket): void;
  /** Takes up where the last connection ended; the link is live when it resolves, and given up when it rejects. */
  begin(socket: Socket): Promise<void>;
  /** Asks by HTTP for what a socket would have brought. */
  poll(signal: AbortSignal): Promise<void>;
  onState(state: LiveState): void;
  /** The server will have nothing more to do with these credentials. */
  onEnd(reason: unknown): void;
}

export interface LinkOptions {
  baseUrl: URL;
  /** Such as `/`. */
  namespace: string;
  withCookies: boolean;
  session: Session;
  timing: Timing;
  loadIo: () => Promise<OpenSocket>;
  use: LinkUse;
}

const failuresUntilPolling = 3;
const pollMs = 30_000;
const firstBackoffMs = 500;
const longestBackoffMs = 30_000;
/** A connection that lasted this long was no flicker: the next one begins its patience anew. */
const steadyMs = 5_000;
/** The token is renewed this long before it ends, or in the last fifth of its life where that is less. */
const renewalMs = 60_000;

const refusedCredentials = ['INVALID_TOKEN', 'UNAUTHENTICATED'];
const refusedForGood = ['FORBIDDEN', 'NOT_FOUND', 'TIER_LIMIT', 'MFA_SETUP_REQUIRED', 'VALIDATION_ERROR'];

/** One socket at a time to a namespace, for as long as it is wanted: connected again after each break. */
export class SocketLink {
  readonly #options: LinkOptions;
  readonly #forgetSession: () => void;
  #state: LiveState = 'connecting';
  #socket: Socket | undefined;
  #shown: Shown = {};
  #liveSinceMs: number | undefined;
  /** Attempts in a row that brought no live connection. */
  #failures = 0;
  /** Doubles the wait; unlike failures it also counts connections that did not last. */
  #waits = 0;
  #wasJustRenewed = false;
  #isClosed = false;
  #polling: AbortController | undefined;
  #cancelAttempt = () => {};
  #cancelPoll = () => {};
  #cancelRenewal = () => {};

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#forgetSession = options.session.onChange((shown) => {
      if (shown) void this.#showAgain(shown);
      else this.#end(new Error('The client signed in or out; connect again as who it is.'));
    });
    void this.#attempt();
  }

  get state(): LiveState {
    return this.#state;
  }

  /** The socket, where it is live. */
  get liveSocket(): Socket | undefined {
    return this.#liveSinceMs === undefined ? undefined : this.#socket;
  }

  /** Gives the connection up, as if the network had, and connects again. */
  drop(): void {
    if (this.#socket) this.#lose(this.#socket);
  }

  /** Asks at once where the link is polling. */
  pollSoon(): void {
    if (this.#polling) void this.#poll(this.#polling);
  }

  close(): void {
    this.#isClosed = true;
    this.#stopPolling();
    this.#cancelAttempt();
    this.#cancelRenewal();
    this.#forgetSession();
    const socket = this.#socket;
    this.#socket = undefined;
    this.#liveSinceMs = undefined;
    socket?.disconnect();
  }

  async #attempt(): Promise<void> {
    const { loadIo, session } = this.#options;
    try {
      const open = await loadIo();
      const shown = await session.show();
      if (!this.#isClosed) this.#connect(open, shown);
    } catch (error) {
      if (!this.#isClosed) this.#goOnAfter(error);
    }
  }

  #connect(open: OpenSocket, shown: Shown): void {
    const { baseUrl, namespace, withCookies, use } = this.#options;
    const socket = open(`${baseUrl.origin}${namespace}`, {
      path: `${baseUrl.pathname.replace(/\/$/, '')}/socket.io/`,
      // A browser sends a WebSocket's cookies whoever opens it.
      auth: { ...use.handshake(), ...shown, ...(withCookies ? {} : { credentials: 'omit' }) },
      // Needs no sticky sessions; where it is refused, polling the API takes over.
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
      autoConnect: false,
      timeout: 10_000,
    });
    this.#socket = socket;
    this.#shown = shown;
    socket.on('connect', () => void this.#begin(socket));
    socket.on('connect_error', (fault: Error) => this.#lose(socket, readRefusal(fault) ?? fault));
    socket.on('disconnect', () => this.#lose(socket));
    use.listen(socket);
    socket.connect();
  }

  async #begin(socket: Socket): Promise<void> {
    try {
      await this.#options.use.begin(socket);
    } catch (error) {
      this.#lose(socket, error);
      return;
    }
    if (socket !== this.#socket) return;
    this.#stopPolling();
    this.#failures = 0;
    this.#wasJustRenewed = false;
    this.#liveSinceMs = this.#options.timing.now();
    this.#setState('live');
    this.#planRenewal();
  }

  #lose(socket: Socket, error?: unknown): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    socket.disconnect();
    this.#cancelRenewal();
    const since = this.#liveSinceMs;
    this.#liveSinceMs = undefined;
    if (since === undefined) {
      this.#goOnAfter(error ?? new Error('The connection was lost before it was live.'));
      return;
    }
    if (this.#options.timing.now() - since >= steadyMs) this.#waits = 0;
    this.#setState('connecting');
    this.#attemptLater();
  }

  /** Decides what follows a failed attempt. */
  #goOnAfter(error: unknown): void {
    const code = error instanceof AlmanacError ? error.code : '';
    if (refusedForGood.includes(code)) this.#end(error);
    else if (refusedCredentials.includes(code)) void this.#renewAfter(error);
    else this.#fail();
  }

  #fail(): void {
    this.#failures += 1;
    if (this.#failures >= failuresUntilPolling && !this.#polling) {
      this.#polling = new AbortController();
      void this.#poll(this.#polling);
    }
    this.#attemptLater();
  }

  async #renewAfter(refusal: unknown): Promise<void> {
    // A token that is refused though it is new would be renewed for ever.
    const mayRenew = !this.#wasJustRenewed;
    this.#wasJustRenewed = true;
    try {
      const isRenewed = mayRenew && (await this.#options.session.renew(this.#shown));
      if (this.#isClosed) return;
      if (isRenewed) void this.#attempt();
      else this.#end(refusal);
    } catch (error) {
      if (this.#isClosed) return;
      this.#wasJustRenewed = false;
      if (error instanceof AlmanacError && error.status === 401) this.#end(error);
      else this.#fail();
    }
  }

  /** Waits twice as long each time, and not in step with other clients. */
  #attemptLater(): void {
    const { timing } = this.#options;
    const longestMs = Math.min(longestBackoffMs, firstBackoffMs * 2 ** this.#waits);
    this.#waits += 1;
    this.#cancelAttempt();
    this.#cancelAttempt = timing.after(longestMs * (0.5 + timing.random() / 2), () => void this.#attempt());
  }

  async #poll(polling: AbortController): Promise<void> {
    this.#cancelPoll();
    let state: LiveState = 'polling';
    try {
      await this.#options.use.poll(polling.signal);
    } catch (error) {
      if (polling !== this.#polling) return;
      const isRefused = error instanceof AlmanacError && [400, 401, 403, 404].includes(error.status);
      if (isRefused) return this.#end(error);
      state = 'offline';
    }
    if (polling !== this.#polling) return;
    this.#setState(state);
    this.#cancelPoll();
    this.#cancelPoll = this.#options.timing.after(pollMs, () => void this.#poll(polling));
  }

  #stopPolling(): void {
    this.#polling?.abort();
    this.#polling = undefined;
    this.#cancelPoll();
  }

  #planRenewal(): void {
    const { session, timing } = this.#options;
    const leftMs = session.msLeft();
    this.#cancelRenewal();
    if (leftMs === undefined || leftMs <= 0) return;
    const shown = this.#shown;
    // Where it fails, the server ends the connection in time, and the next attempt renews.
    const renew = () => void session.renew(shown).catch(() => undefined);
    this.#cancelRenewal = timing.after(leftMs - Math.min(renewalMs, leftMs / 5), renew);
  }

  /** Hands the server the new token, so that the connection outlives the old one. */
  async #showAgain(shown: Shown): Promise<void> {
    const socket = this.liveSocket;
    if (!socket || shown.token === undefined) return;
    this.#shown = shown;
    try {
      await ask(socket, ['authenticate', { token: shown.token }]);
      if (socket === this.#socket) this.#planRenewal();
    } catch {
      this.#lose(socket);
    }
  }

  #end(reason: unknown): void {
    if (this.#isClosed) return;
    this.close();
    this.#setState('offline');
    this.#options.use.onEnd(reason);
  }

  #setState(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.use.onState(state);
  }
}
