import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** Bare WebSockets, so many of each user, that are sent the same bytes: one user after the other, when told to. */
const [{ text, socketsPerUser }] = (await once(process, 'message')) as [{ text: string; socketsPerUser: number }];
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
const users: WebSocket[][] = [];
server.on('connection', (socket) => {
  const last = users.at(-1);
  if (last && last.length < socketsPerUser) last.push(socket);
  else users.push([socket]);
});

const eventsPerTurn = 100;

function publish(from: number, count: number): void {
  const until = Math.min(count, from + eventsPerTurn);
  for (let index = from; index < until; index += 1) {
    for (const socket of users[index % users.length] ?? []) socket.send(text);
  }
  if (until < count) setImmediate(() => publish(until, count));
}

process.on('message', ({ publish: count }: { publish: number }) => publish(0, count));
if (!server.address()) await once(server, 'listening');
process.send?.({ url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` });
process.once('SIGTERM', () => process.exit(0));
