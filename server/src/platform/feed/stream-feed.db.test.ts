import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemPrincipal } from '#platform/access/principal.ts';
import { createLocalBus } from '#platform/bus/bus.ts';
import { type FeedDatabase, makeFeedDatabase } from '#testing/make-feed-database.ts';
import { createFeed, type Feed } from './feed.ts';
import { streamFeed } from './stream-feed.ts';

let testing: FeedDatabase;
let feed: Feed;
let server: Server;
let url: string;
let organizationId: string;
let viewer: { userId: string };
let ending: AbortController;
let streaming: Promise<void>;

beforeAll(async () => {
  testing = await makeFeedDatabase();
  feed = createFeed({ root: testing.database.root, bus: createLocalBus(), log: testing.log });
});

afterAll(async () => {
  await feed.close();
  await testing.close();
});

beforeEach(async () => {
  const made = await testing.makeOrganization(1);
  organizationId = made.organizationId;
  viewer = { userId: made.userIds[0] ?? '' };
  ending = new AbortController();
  server = createServer(async (request, response) => {
    const last = request.headers['last-event-id'];
    const follower = await feed.follow(organizationId, viewer, {
      after: last === undefined ? undefined : Number(last),
    });
    const { log } = testing;
    const headers = { 'x-request-id': '7' };
    const limits = { heartbeatMs: 30, stalledMs: 200 };
    streaming = streamFeed({ follower, response, headers, log, signal: ending.signal, ...limits });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function publish(...notes: string[]): Promise<void> {
  return testing.scopes.inOrganization(systemPrincipal(organizationId), (tx) => {
    for (const note of notes) {
      feed.publish(tx, { type: 'job.progress', payload: { job: 'x', run_id: randomUUID(), fraction: 0, note } });
    }
    return Promise.resolve();
  });
}

/** Opens the stream; the answer reads on until the text so far satisfies the test. */
async function open(lastEventId?: number) {
  const answer = await fetch(url, { headers: lastEventId === undefined ? {} : { 'last-event-id': `${lastEventId}` } });
  const reader = (answer.body ?? new ReadableStream()).getReader();
  const decoder = new TextDecoder();
  let text = '';
  return {
    answer,
    async readUntil(isEnough: (text: string) => boolean): Promise<string> {
      while (!isEnough(text)) {
        const { value, done } = await reader.read();
        if (done) break;
        text += decoder.decode(value as Uint8Array, { stream: true });
      }
      return text;
    },
    leave: () => reader.cancel(),
  };
}

describe('a stream of events', () => {
  it('says at once where it begins, and brings each event under its own id', async () => {
    await publish('before');
    const stream = await open();
    expect(stream.answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(stream.answer.headers.get('x-request-id')).toBe('7');
    await stream.readUntil((text) => text.includes('retry: 2000\n\nid: 1\n\n'));
    await publish('line\nbreak');
    const text = await stream.readUntil((soFar) => soFar.includes('id: 2\ndata: ') && soFar.endsWith('\n\n'));
    const data = /^data: (.*)$/m.exec(text)?.[1] ?? '';
    expect(JSON.parse(data)).toMatchObject({ id: 2, previous_id: 1, payload: { note: 'line\nbreak' } });
    await stream.leave();
    await streaming;
    expect(feed.counts().tails).toBe(0);
  });

  it('resumes behind Last-Event-ID, and tells when that is gone', async () => {
    await publish('a', 'b', 'c');
    const resumed = await open(1);
    const text = await resumed.readUntil((soFar) => soFar.includes('id: 3\ndata'));
    expect(text).toContain('id: 2\ndata');
    expect(text).not.toContain('id: 1\ndata');
    await resumed.leave();
    const lost = await open(99);
    await lost.readUntil((soFar) => soFar.includes('event: gone\nid: 3\ndata: {"cursor":3}\n\n'));
    await lost.leave();
  });

  it('shows that it is alive while nothing happens', async () => {
    const stream = await open();
    await stream.readUntil((text) => text.includes(': heartbeat\nid: 0\n\n'));
    await stream.leave();
  });

  it('ends with the session, saying so', async () => {
    const stream = await open();
    await stream.readUntil((text) => text.includes('id: 0'));
    ending.abort('The session has ended.');
    const text = await stream.readUntil(() => false);
    expect(text).toContain('event: session_ended\ndata: {"reason":"The session has ended."}\n\n');
    await streaming;
  });

  it('drops a client that has stopped reading', async () => {
    const waiting: (() => number)[] = [];
    server.on('connection', (socket) => void waiting.push(() => socket.writableLength));
    const tcp = connect(Number(new URL(url).port), '127.0.0.1');
    tcp.on('error', () => undefined);
    await once(tcp, 'connect');
    tcp.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(tcp, 'data');
    tcp.pause();
    let isOver = false;
    const over = streaming.then(() => {
      isOver = true;
    });
    while (!isOver) {
      await publish(...Array.from({ length: 50 }, () => 'y'.repeat(8_000)));
      expect(waiting[0]?.()).toBeLessThan(2_000_000);
      // The embedded database answers in microtasks: without a turn, no timer would come to run.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await over;
    tcp.destroy();
  });
});

it('all following ends with a process that stops, also what begins then', async () => {
  const stopping = createFeed({ root: testing.database.root, bus: createLocalBus(), log: testing.log });
  const early = await stopping.follow(organizationId, viewer);
  const waiting = early.next();
  stopping.endFollowing();
  expect((await waiting).events).toEqual([]);
  expect(early.isClosed).toBe(true);
  expect((await stopping.follow(organizationId, viewer)).isClosed).toBe(true);
  await stopping.close();
});
