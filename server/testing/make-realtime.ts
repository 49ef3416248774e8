import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import type { UserPrincipal } from '#platform/access/principal.ts';
import { unauthenticated } from '#platform/access/principal.ts';
import { AppError } from '#platform/errors/app-error.ts';
import type { Feed } from '#platform/feed/feed.ts';
import { createCursors } from '#platform/http/cursor.ts';
import { createLog } from '#platform/log/log.ts';
import type { Connection } from '#platform/realtime/connection.ts';
import type { Admission } from '#platform/realtime/handshake.ts';
import { createRealtime, type Realtime } from '#platform/realtime/realtime.ts';
import type { RealtimeLimits } from '#platform/realtime/realtime-limits.ts';

interface MakeRealtimeOptions {
  feed: Pick<Feed, 'follow' | 'readAfter'>;
  /** Who each token belongs to. */
  admissions: Map<string, Admission>;
  limits?: Partial<RealtimeLimits>;
  onConnection?: (connection: Connection) => void;
  now?: () => Date;
}

/** Sockets on a real HTTP server, with a table of tokens for an authenticator. */
export interface RunningRealtime {
  readonly realtime: Realtime;
  readonly httpServer: Server;
  readonly port: number;
  /** Sessions to be reported as ended. */
  readonly ended: Set<string>;
  /** Opens a stock client; it does not connect before the test says so. */
  open(options?: Partial<ManagerOptions & SocketOptions>, path?: string): Socket;
  close(): Promise<void>;
}

/** Starts the sockets on a free port. */
export async function makeRealtime(options: MakeRealtimeOptions): Promise<RunningRealtime> {
  const httpServer = createServer((_request, response) => response.writeHead(404).end());
  const ended = new Set<string>();
  const realtime = createRealtime({
    httpServer,
    feed: options.feed,
    cursors: createCursors(randomBytes(32)),
    authenticate: ({ token }) => admit(options.admissions, token),
    findEnded: (principals: UserPrincipal[]) =>
      Promise.resolve(principals.filter(({ sessionId }) => sessionId !== undefined && ended.has(sessionId))),
    isOriginAllowed: (origin) => origin === undefined || origin === 'https://good.example',
    log: createLog({ level: 'silent' }),
    now: options.now ?? (() => new Date()),
    limits: { watchMs: 20, sessionCheckMs: 20, ...options.limits },
  });
  if (options.onConnection) realtime.namespace('/').onConnection(options.onConnection);
  else realtime.namespace('/');
  httpServer.listen(0, '127.0.0.1');
  await once(httpServer, 'listening');
  const { port } = httpServer.address() as AddressInfo;
  const clients: Socket[] = [];
  return {
    realtime,
    httpServer,
    port,
    ended,
    open(clientOptions = {}, path = '') {
      const client = io(`http://127.0.0.1:${port}${path}`, {
        autoConnect: false,
        forceNew: true,
        reconnection: false,
        ...clientOptions,
      });
      clients.push(client);
      return client;
    },
    async close() {
      for (const client of clients) client.disconnect();
      realtime.close();
      httpServer.closeAllConnections();
      httpServer.close();
      if (httpServer.listening) await once(httpServer, 'close');
    },
  };
}

function admit(admissions: Map<string, Admission>, token: string | undefined): Promise<Admission> {
  if (token === undefined) return Promise.reject(unauthenticated());
  const admission = admissions.get(token);
  if (admission) return Promise.resolve(admission);
  return Promise.reject(new AppError({ code: 'INVALID_TOKEN', message: 'The access token does not verify.' }));
}
