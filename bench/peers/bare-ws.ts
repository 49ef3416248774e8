import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** Bare WebSockets, so many of each user, that are sent the same bytes so many times, one user after the other. */
const [{ text, socketsPerUser }] = (await once(process, 'message')) as [{ text: string; socketsPerUser: number }];
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
const users: WebSocket[][] = [];
server.on('connection', (socket) => {
  const last = users.at(-1);
  if (last && last.length < socketsPerUser) last.push(socket);
  else users.push([socket]);
});

function publish(count: number, from = 0): void {
  for (let index = 0; index < count; index += 1) {
    for (const socket of users[from] ?? []) socket.send(text);
  }
  if (from + 1 < users.length) setImmediate(() => publish(count, from + 1));
}

process.on('message', ({ publish: count }: { publish: number }) => publish(count));
if (!server.address()) await once(server, 'listening');
process.send?.({ url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` });
process.once('SIGTERM', () => process.exit(0));
