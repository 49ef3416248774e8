import { Server, Socket } from 'node:net';
import { expect, test } from 'vitest';
import { limitConnections } from './limit-connections.ts';

const cap = 200;

function arrive(server: Server, remoteAddress: string): Socket {
  const socket = Object.defineProperty(new Socket(), 'remoteAddress', { value: remoteAddress });
  server.emit('connection', socket);
  return socket;
}

function makeServer(trustProxy = false): Server {
  const server = new Server();
  limitConnections(server, { trustProxy });
  return server;
}

test('The addresses of an IPv6 network share its connections, and one that closes makes room', () => {
  const server = makeServer();
  const taken = Array.from({ length: cap }, (_, index) => arrive(server, `2001:db8::${index.toString(16)}`));
  expect(taken.some(({ destroyed }) => destroyed)).toBe(false);
  expect(arrive(server, '2001:db8::ffff').destroyed).toBe(true);
  expect(arrive(server, '2001:db8:0:1::1').destroyed).toBe(false);
  taken[0]?.emit('close');
  expect(arrive(server, '2001:db8::ffff').destroyed).toBe(false);
  expect(arrive(server, '2001:db8::ffff').destroyed).toBe(true);
});

test.each([
  ['loopback', '::1', false],
  ['a trusted proxy', '203.0.113.7', true],
])('What comes over %s is not capped', (_what, address, trustProxy) => {
  const server = makeServer(trustProxy);
  const taken = Array.from({ length: cap + 1 }, () => arrive(server, address));
  expect(taken.some(({ destroyed }) => destroyed)).toBe(false);
});
