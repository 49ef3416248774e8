import type { Server, Socket } from 'node:net';
import type { HttpConfig } from '../config/config.ts';
import { networkOf } from './client-address.ts';

const maxConnectionsPerAddress = 200;
const loopback: readonly string[] = ['127.0.0.1', '::1', '::ffff:127.0.0.1'];

/** Caps the connections of one address; proxies on loopback carry everybody's and are not capped. */
export function limitConnections(server: Server, { trustProxy }: Pick<HttpConfig, 'trustProxy'>): void {
  if (trustProxy !== false) return;
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const { remoteAddress: address = '' } = socket;
    if (loopback.includes(address)) return;
    const network = networkOf(address);
    const count = (open.get(network) ?? 0) + 1;
    if (count > maxConnectionsPerAddress) return void socket.destroy();
    open.set(network, count);
    socket.once('close', () => {
      const left = (open.get(network) ?? 1) - 1;
      if (left === 0) open.delete(network);
      else open.set(network, left);
    });
  });
}
