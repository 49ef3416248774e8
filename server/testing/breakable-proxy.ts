import { once } from 'node:events';
import { type AddressInfo, createServer, connect as openSocket, type Socket } from 'node:net';

/** A TCP relay in front of a real service, whose network a test can break. */
export interface BreakableProxy {
  readonly port: number;
  /** Ends every connection and refuses new ones. */
  cut(): void;
  /** Keeps every connection open and passes nothing on, as when a cable is pulled. */
  silence(): void;
  /** Connections made from now on work; those that were silenced stay silent. */
  heal(): void;
  close(): Promise<void>;
}

/** Starts a relay to host:port on a free loopback port. */
export async function openBreakableProxy(target: { host: string; port: number }): Promise<BreakableProxy> {
  const sockets = new Set<Socket>();
  let state: 'working' | 'cut' | 'silent' = 'working';

  const server = createServer((near) => {
    if (state === 'cut') {
      near.destroy();
      return;
    }
    sockets.add(near);
    near.on('error', () => undefined);
    if (state === 'silent') return;
    const far = openSocket(target.port, target.host);
    sockets.add(far);
    far.on('error', () => undefined);
    near.pipe(far);
    far.pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  function endAll(): void {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  }

  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      state = 'cut';
      endAll();
    },
    silence() {
      state = 'silent';
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    heal() {
      state = 'working';
    },
    async close() {
      server.close();
      endAll();
      await once(server, 'close');
    },
  };
}
