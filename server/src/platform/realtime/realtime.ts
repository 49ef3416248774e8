import { randomUUID } from 'node:crypto';
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { type Namespace, Server, type Socket } from 'socket.io';
import { Type } from 'typebox';
import { AppError } from '#platform/errors/app-error.ts';
import type { Feed } from '#platform/feed/feed.ts';
import type { Cursors } from '#platform/http/cursor.ts';
import type { Log } from '#platform/log/log.ts';
import { type ConnectGate, createConnectGate } from './connect-gate.ts';
import { type Connection, LiveConnection } from './connection.ts';
import { type ConnectionCounts, createConnectionCounts } from './connection-counts.ts';
import { offerFeed } from './feed-events.ts';
import { type Authenticate, type RequestFacts, readHandshake, readRequest, requireAccess } from './handshake.ts';
import type { Admitted, NamespaceRules, RealtimeNamespace } from './namespace.ts';
import { createPayloadChecks } from './payload-checks.ts';
import { defaultLimits, type RealtimeLimits } from './realtime-limits.ts';
import { createRecovery, type Recovery } from './recovery.ts';
import { longestAwayMs, makeSessionAdapter } from './session-adapter.ts';
import { createSessionWatch, type FindEnded, type SessionWatch } from './session-watch.ts';
import { type EngineConnection, TransportGauge } from './transport-gauge.ts';

/** What is counted of the sockets. */
export interface RealtimeTelemetry {
  countFeedDelivered(delivery: { transport: string; count: number }): void;
}

interface RealtimeOptions {
  httpServer: HttpServer;
  feed: Pick<Feed, 'follow' | 'readAfter'>;
  /** Seals how far clients have come; those of the installation's processes open each other's. */
  cursors: Cursors;
  authenticate: Authenticate;
  /** Asked every four seconds, once for all connections. */
  findEnded: FindEnded;
  /** Without an origin the client is no page of another site; the host is still to be checked. */
  isOriginAllowed: (origin: string | undefined, host: string | undefined) => boolean;
  /** The client's address where that is not the peer's: behind a trusted proxy. */
  addressOf?: (request: IncomingMessage) => string;
  log: Log;
  now: () => Date;
  telemetry?: RealtimeTelemetry;
  limits?: Partial<RealtimeLimits>;
}

/** Puts Socket.IO on the HTTP server. */
export function createRealtime(options: RealtimeOptions): Realtime {
  return new Realtime(options);
}

const Authentication = Type.Object(
  { token: Type.String({ minLength: 1, maxLength: 8_192 }) },
  { additionalProperties: false },
);

const goodbyeMs = 2_000;

/** The sockets of this process. Processes share nothing but the database and the bus, so no adapter joins them. */
export class Realtime {
  /** Sockets are watched here; other long answers, such as event streams, may be added. */
  readonly sessions: SessionWatch;
  /** Connections by user and address: sockets, and the streams that are added. */
  readonly counts: ConnectionCounts;
  readonly #options: RealtimeOptions;
  readonly #limits: RealtimeLimits;
  readonly #io: Server;
  readonly #checkFor = createPayloadChecks();
  readonly #requests = new WeakMap<EngineConnection, RequestFacts>();
  readonly #gauges = new WeakMap<EngineConnection, TransportGauge>();
  readonly #gates = new WeakMap<EngineConnection, ConnectGate>();
  readonly #connections = new Set<LiveConnection>();
  readonly #namespaces = new Map<string, RealtimeNamespace>();
  readonly #recovering = new Set<string>();
  readonly #recovery: Recovery;
  readonly #timers: NodeJS.Timeout[];
  #isDraining = false;

  constructor(options: RealtimeOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.counts = createConnectionCounts(this.#limits);
    this.sessions = createSessionWatch(options);
    this.#recovery = createRecovery(options);
    this.#io = this.#openServer();
    this.#timers = [
      setInterval(() => this.#look(), this.#limits.watchMs).unref(),
      setInterval(() => void this.sessions.endRevoked(), this.#limits.sessionCheckMs).unref(),
    ];
  }

  /** Opens a namespace, such as `/`; the same path gives the same one, under the rules that it was opened with. */
  namespace(path: string, rules: NamespaceRules = {}): RealtimeNamespace {
    const known = this.#namespaces.get(path);
    if (known) return known;
    const handlers: ((connection: Connection) => void)[] = [];
    const opened: RealtimeNamespace = { onConnection: (handle) => void handlers.push(handle) };
    this.#namespaces.set(path, opened);
    if (rules.recovers) this.#recovering.add(path);
    this.#serve(this.#io.of(path), rules, handlers);
    return opened;
  }

  /** Open connections by namespace and transport. */
  readSockets(): { transport: string; namespace: string; count: number }[] {
    return [...this.#io._nsps.values()].flatMap(({ name: namespace, sockets }) => {
      const byTransport = Map.groupBy(sockets.values(), ({ conn }) => conn.transport.name);
      return [...byTransport].map(([transport, found]) => ({ transport, namespace, count: found.length }));
    });
  }

  /** Takes no more connections, tells the clients, and sends them elsewhere little by little. */
  async drain({ overMs = 5_000 } = {}): Promise<void> {
    this.#isDraining = true;
    const leaving = [...this.#connections];
    for (const connection of leaving) connection.send('server_draining', { reason: 'This process is stopping.' });
    const steps = Math.max(1, Math.ceil(overMs / 50));
    const perStep = Math.ceil(leaving.length / steps);
    while (leaving.length > 0) {
      for (const connection of leaving.splice(0, perStep)) connection.sendElsewhere();
      if (leaving.length > 0) await pause(overMs / steps);
    }
  }

  /** Ends all connections. The HTTP server is its owner's to close. */
  close(): void {
    this.#isDraining = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const connection of [...this.#connections]) connection.terminate('closed');
    this.#io.engine.close();
  }

  #openServer(): Server {
    const { httpServer, isOriginAllowed, addressOf } = this.#options;
    const io = new Server(httpServer, {
      serveClient: true,
      maxHttpBufferSize: this.#limits.maxMessageBytes,
      connectTimeout: 10_000,
      perMessageDeflate: false,
      // Whoever comes back is asked who it is like everybody else.
      connectionStateRecovery: { maxDisconnectionDuration: longestAwayMs, skipMiddlewares: false },
      adapter: makeSessionAdapter({ recovers: (path) => this.#recovering.has(path), now: this.#options.now }),
      cors: (request, decide) => {
        // The delegate is handed the request itself, whatever its type tells of it.
        const { origin, host } = (request as unknown as IncomingMessage).headers;
        decide(null, { origin: isOriginAllowed(origin, host), credentials: true });
      },
      allowRequest: ({ headers: { origin, host } }, decide) => {
        if (this.#isDraining) return decide('This process is stopping: connect again.', false);
        if (isOriginAllowed(origin, host)) return decide(null, true);
        decide(`The origin '${origin ?? 'none'}' may not connect to '${host ?? 'none'}'.`, false);
      },
    });
    io.engine.on('connection', (conn: EngineConnection & { request: IncomingMessage | null }) => {
      if (!conn.request) return;
      const address = addressOf?.(conn.request) ?? conn.remoteAddress;
      this.#requests.set(conn, readRequest(conn.request, address));
      this.#gauges.set(conn, new TransportGauge(conn));
      this.#gates.set(conn, createConnectGate(this.#limits));
      // Kilobytes for each connection, for as long as it is open.
      (conn as { request: null }).request = null;
    });
    return io;
  }

  #serve(namespace: Namespace, rules: NamespaceRules, handlers: readonly ((connection: Connection) => void)[]): void {
    const admitted = new WeakMap<Socket, Admitted>();
    namespace.use((socket, next) => {
      this.#admit(socket, rules).then(
        (found) => {
          admitted.set(socket, found);
          next();
        },
        (error: unknown) => {
          next(this.#toConnectError(error));
          this.#closeUsedUp(socket.conn);
        },
      );
    });
    namespace.on('connection', (socket) => {
      const found = admitted.get(socket);
      const gauge = this.#gauges.get(socket.conn);
      if (!found || !gauge) return void socket.disconnect(true);
      const { feed, now, log } = this.#options;
      const { principal } = found.admission;
      const connection = new LiveConnection({
        ...found,
        socket,
        seal: (place) => this.#recovery.seal(place, { namespace: namespace.name, principal }),
        gauge,
        feed,
        limits: this.#limits,
        checkFor: this.#checkFor,
        now,
        log,
      });
      this.#welcome(connection, socket.conn);
      this.#handOver(connection, handlers);
    });
  }

  /** An error must not leave the listener of Socket.IO, where nothing would catch it. */
  #handOver(connection: LiveConnection, handlers: readonly ((connection: Connection) => void)[]): void {
    try {
      for (const handle of handlers) serveWherePermitted(connection, handle);
    } catch (error) {
      connection.refuse(this.#toConnectError(error).message);
    }
  }

  /** Closes the transport once the client has been told of its last failure. */
  #closeUsedUp(conn: EngineConnection): void {
    if (!this.#gates.get(conn)?.isUsedUp) return;
    setImmediate(() => {
      if (conn.readyState === 'open') this.#gauges.get(conn)?.closeWithin(goodbyeMs);
    });
  }

  async #admit(socket: Socket, { access, recovers }: NamespaceRules): Promise<Admitted> {
    const facts = this.#requests.get(socket.conn);
    const gate = this.#gates.get(socket.conn);
    if (!facts || !gate || this.#isDraining) throw stopping();
    const { auth } = socket.handshake;
    const authenticate = async () => this.#options.authenticate(readHandshake(facts, auth));
    const admission = await gate.pass(() => (access ? requireAccess(access, authenticate) : authenticate()));
    const { principal } = admission;
    const asked = { namespace: socket.nsp.name, principal, auth, isSessionKept: socket.recovered };
    const comeback = recovers && (await this.#recovery.find({ ...asked, types: recovers }));
    // The client takes a session of another id for a new one.
    if (socket.recovered && !comeback?.missed) Object.assign(socket, { pid: randomUUID(), recovered: false });
    if (socket.conn.readyState !== 'open') throw stopping();
    this.#countIn(socket, this.counts.take(principal, facts.address));
    return { admission, comeback };
  }

  #countIn(socket: Socket, release: () => void): void {
    const releaseOnce = () => {
      socket.conn.off('close', releaseOnce);
      release();
    };
    socket.conn.once('close', releaseOnce);
    socket.once('disconnect', releaseOnce);
  }

  #welcome(connection: LiveConnection, conn: EngineConnection): void {
    this.#connections.add(connection);
    const unwatch = this.sessions.add(connection);
    connection.onClose(() => {
      this.#connections.delete(connection);
      unwatch();
    });
    offerFeed(connection, (delivery) => this.#options.telemetry?.countFeedDelivered(delivery));
    connection.on('authenticate', Authentication, async ({ token }) => {
      const { userId, organizationId } = connection.principal;
      const address = this.#requests.get(conn)?.address ?? '';
      const credentials = { token, apiKey: undefined, authorization: undefined, cookie: undefined, address };
      const admission = await this.#options.authenticate({ ...credentials, organization: organizationId });
      const { principal } = admission;
      if (principal.userId !== userId || principal.organizationId !== organizationId) throw otherPrincipal();
      connection.renew(admission);
      const { expiresAt } = connection;
      return expiresAt ? { expires_at: expiresAt.toISOString() } : {};
    });
  }

  #look(): void {
    this.sessions.endExpired();
    for (const connection of [...this.#connections]) connection.endIfStalled();
  }

  #toConnectError(error: unknown): Error {
    if (error instanceof AppError) return Object.assign(new Error(error.message), { data: { code: error.code } });
    const id = randomUUID();
    this.#options.log.error({ err: error, request_id: id }, 'a socket could not be served');
    return Object.assign(new Error(`internal error (${id})`), { data: { code: 'INTERNAL_ERROR' } });
  }
}

function serveWherePermitted(connection: Connection, handle: (connection: Connection) => void): void {
  try {
    handle(connection);
  } catch (error) {
    if (!(error instanceof AppError && isLackOfRight(error))) throw error;
  }
}

function isLackOfRight({ code }: AppError): boolean {
  return code === 'FORBIDDEN' || code === 'MFA_SETUP_REQUIRED' || code === 'UNAUTHENTICATED';
}

function stopping(): AppError {
  return new AppError({ code: 'SHUTTING_DOWN', message: 'This process is stopping: connect again.' });
}

function otherPrincipal(): AppError {
  const message = 'The token is for another user or organization than this connection: connect anew with it.';
  return new AppError({ code: 'FORBIDDEN', message });
}
