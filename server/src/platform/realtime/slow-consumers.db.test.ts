import { once } from 'node:events';
import { connect, type Socket as TcpSocket } from 'node:net';
import type { FeedMessage } from '@almanac/contract/feed.ts';
import type { Socket } from 'socket.io-client';
import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { life, next, useSocketScene } from '#testing/socket-scene.ts';
import type { Connection } from './connection.ts';

const scene = useSocketScene();
const bigText = 'x'.repeat(200_000);
const mebibyte = 1024 * 1024;

/** The TCP socket under a connected client. */
function tcpOf(client: Socket): TcpSocket {
  return (client.io.engine.transport as unknown as { ws: { _socket: TcpSocket } }).ws._socket;
}

/** What the server process holds for its sockets: the bytes that wait in user space on all of them. */
function waitingBytes(sockets: readonly TcpSocket[]): number {
  return sockets.reduce((total, socket) => total + socket.writableLength, 0);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function startWatched(limits = {}, onConnection?: (connection: Connection) => void): Promise<TcpSocket[]> {
  await scene.start(limits, onConnection);
  const sockets: TcpSocket[] = [];
  scene.running.httpServer.on('connection', (socket) => void sockets.push(socket));
  return sockets;
}

describe('a client that has stopped reading', () => {
  it('gets states made only while there is room, and the newest once it reads again', async () => {
    const sockets = await startWatched({ stalledMs: 60_000 });
    const client = await scene.connect({ transports: ['websocket'] });
    const [connection] = scene.connections;
    let version = 0;
    let made = 0;
    let newestSeen = 0;
    client.on('state', (state: { version: number }) => {
      newestSeen = state.version;
    });
    tcpOf(client).pause();
    for (version = 1; version <= 2_000; version += 1) {
      connection?.sendState('a', 'state', () => {
        made += 1;
        return Promise.resolve({ version, bigText });
      });
      await turn();
    }
    expect(waitingBytes(sockets)).toBeLessThan(2 * mebibyte);
    expect(made).toBeLessThan(200);
    version = 5_000;
    const newest = new Promise<void>((resolve) => {
      client.on('state', (state: { version: number }) => state.version === 5_000 && resolve());
    });
    connection?.sendState('a', 'state', () => Promise.resolve({ version, bigText }));
    tcpOf(client).resume();
    await newest;
    expect(newestSeen).toBe(5_000);
  });

  it('holds up no feed events beyond the bound, and gets every one once it reads again', async () => {
    const sockets = await startWatched({ stalledMs: 60_000, maxWaitingBytes: 256 * 1024 });
    const client = await scene.connect({ transports: ['websocket'] });
    await client.emitWithAck('feed_subscribe');
    const seen: number[] = [];
    const count = 1_500;
    const all = new Promise<void>((resolve) => {
      client.on('feed_event', ({ id }: FeedMessage) => void (seen.push(id) === count && resolve()));
    });
    tcpOf(client).pause();
    for (let round = 0; round < 15; round += 1) {
      await scene.publish(...Array.from({ length: 100 }, () => life('y'.repeat(8_000))));
    }
    expect(waitingBytes(sockets)).toBeLessThan(mebibyte);
    tcpOf(client).resume();
    await all;
    expect(seen).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  });

  it('is ended when it takes nothing for a while, and what waited is freed', async () => {
    const sockets = await startWatched({ stalledMs: 200 });
    const client = await scene.connect({ transports: ['websocket'] });
    const [connection] = scene.connections;
    const closed = new Promise<void>((resolve) => connection?.onClose(resolve));
    tcpOf(client).pause();
    for (let sent = 0; sent < 40; sent += 1) connection?.send('message', bigText);
    await closed;
    expect(waitingBytes(sockets.filter(({ destroyed }) => !destroyed))).toBe(0);
    expect(scene.running.realtime.readSockets()).toEqual([]);
  });

  it('is ended at once when more must be sent than may wait', async () => {
    const sockets = await startWatched({ stalledMs: 60_000 });
    const client = await scene.connect({ transports: ['websocket'] });
    const [connection] = scene.connections;
    const closed = new Promise<void>((resolve) => connection?.onClose(resolve));
    tcpOf(client).pause();
    for (let sent = 0; sent < 2_000; sent += 1) {
      connection?.send('message', bigText);
      expect(waitingBytes(sockets)).toBeLessThan(4 * mebibyte);
    }
    await closed;
  });

  it('over polling is bounded and ended just so', async () => {
    const sockets = await startWatched({ stalledMs: 200 });
    const { port } = scene.running;
    const base = `http://127.0.0.1:${port}/socket.io/?EIO=4&transport=polling`;
    const opened = await (await fetch(base)).text();
    const { sid } = JSON.parse(opened.slice(1)) as { sid: string };
    await fetch(`${base}&sid=${sid}`, { method: 'POST', body: '40{"token":"good"}' });
    await (await fetch(`${base}&sid=${sid}`)).text();
    const [connection] = scene.connections;
    const closed = new Promise<void>((resolve) => connection?.onClose(resolve));
    const tcp = connect(port, '127.0.0.1');
    await once(tcp, 'connect');
    tcp.on('error', () => undefined);
    tcp.pause();
    tcp.write(`GET /socket.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    let version = 0;
    while (scene.running.realtime.readSockets().length > 0) {
      version += 1;
      connection?.sendState('a', 'state', () => Promise.resolve({ version, bigText }));
      expect(waitingBytes(sockets)).toBeLessThan(4 * mebibyte);
      await turn();
    }
    await closed;
    expect(waitingBytes(sockets.filter(({ destroyed }) => !destroyed))).toBe(0);
    tcp.destroy();
  });
});

describe('a client that reads slowly', () => {
  it('is not ended while it takes something of one large message', async () => {
    await startWatched({ stalledMs: 800 });
    const client = await scene.connect({ transports: ['websocket'] });
    const [connection] = scene.connections;
    const got = next<string>(client, 'message');
    const tcp = tcpOf(client);
    // Far more than the kernel holds, in one frame.
    const text = 'z'.repeat(24 * mebibyte);
    connection?.send('message', text);
    const startedAt = performance.now();
    let readBytes = 0;
    while (readBytes < 20 * mebibyte) {
      const target = readBytes + 2 * mebibyte;
      tcp.resume();
      while (readBytes < target) {
        const [chunk] = (await once(tcp, 'data')) as [Buffer];
        readBytes += chunk.length;
      }
      tcp.pause();
      const pausedAt = performance.now();
      while (performance.now() - pausedAt < 200) await turn();
    }
    expect(performance.now() - startedAt).toBeGreaterThan(1_600);
    tcp.resume();
    expect((await got).length).toBe(text.length);
  });

  it('may answer many acknowledgements while a large message is under way', async () => {
    await startWatched({ stalledMs: 5_000 }, (connection) => {
      connection.on('ping_me', Type.Object({ n: Type.Integer() }), ({ n }) => ({ n }));
    });
    const client = await scene.connect({ transports: ['websocket'] });
    const [connection] = scene.connections;
    connection?.send('message', 'z'.repeat(8 * mebibyte));
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => client.emitWithAck('ping_me', { n })));
    expect(answers).toEqual(Array.from({ length: 10 }, (_, n) => ({ success: true, n })));
  });
});
