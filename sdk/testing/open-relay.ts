import { once } from 'node:events';
import { type AddressInfo, createServer, connect as openSocket, type Socket } from 'node:net';

/** A TCP relay in front of a server, whose connections a test can cut. */
export interface Relay {
  readonly url: string;
  /** True while it closes connections that ask to become a WebSocket, as some proxies do. */
  refusesWebSockets: boolean;
  /** True while it closes whatever comes. */
  refusesAll: boolean;
  /** Ends every connection in the middle of whatever it carries. */
  cut(): void;
  close(): void;
}

/** Opens a relay to a port of this machine. */
export async function openRelay(port: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket, other: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroy();
    });
  };
  const server = createServer((near) => {
    const far = openSocket(port, '127.0.0.1');
    keep(near, far);
    keep(far, near);
    near.once('data', (first) => {
      const isWebSocket = /upgrade: websocket/i.test(first.toString('latin1'));
      if (relay.refusesAll || (relay.refusesWebSockets && isWebSocket)) return near.destroy();
      far.write(first);
      near.pipe(far).pipe(near);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const relay: Relay = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refusesWebSockets: false,
    refusesAll: false,
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    close() {
      server.close();
      relay.cut();
    },
  };
  return relay;
}
