import type { ServerResponse } from 'node:http';
import type { Log } from '#platform/log/log.ts';
import type { FeedFollower } from './feed-follower.ts';
import type { FeedBatch } from './feed-reader.ts';

const reconnectMs = 2_000;

interface StreamOptions {
  follower: FeedFollower;
  /** Not written to yet. It is closed when the stream ends. */
  response: ServerResponse;
  /** Added to those of the stream: what the platform puts on every answer. */
  headers?: Record<string, string | string[] | number>;
  log: Log;
  /** Ends the stream; the reason, a string, is told to the client as the event `session_ended`. */
  signal?: AbortSignal;
  /** How often a quiet stream says that it is alive; with the place it has reached. */
  heartbeatMs?: number;
  /** How long a client may take nothing. */
  stalledMs?: number;
  /** Told how many events each write carried. */
  onDelivered?: (count: number) => void;
}

/**
 * Serves a follower as server-sent events until the client leaves, stops reading for ten seconds, or the signal ends it.
 * Each event's data is a feed message under its own id, so that `Last-Event-ID` resumes; the event `gone` says to take a
 * snapshot and carries the cursor to go on from. The follower is asked for more only when the last batch was taken.
 */
export async function streamFeed(options: StreamOptions): Promise<void> {
  const { follower, response, signal, log, heartbeatMs = 15_000, onDelivered } = options;
  const stream = openStream(options);
  const end = () => follower.close();
  response.once('close', end);
  signal?.addEventListener('abort', end, { once: true });
  if (signal?.aborted) end();
  const heartbeat = setInterval(() => stream.beat(`: heartbeat\nid: ${follower.cursor}\n\n`), heartbeatMs);
  heartbeat.unref();
  try {
    const start = follower.isGone ? toGone(follower.cursor) : `id: ${follower.cursor}\n\n`;
    await stream.write(`retry: ${reconnectMs}\n\n${start}`);
    while (!follower.isClosed) {
      const batch = await follower.next();
      await stream.write(toText(batch));
      onDelivered?.(batch.events.length);
    }
    if (signal?.aborted) await stream.write(toEnded(signal.reason));
  } catch (error) {
    // The headers are out; a client whose stream ends comes back and resumes.
    log.warn({ err: error }, 'a stream of events broke off');
  } finally {
    clearInterval(heartbeat);
    signal?.removeEventListener('abort', end);
    follower.close();
    response.end();
  }
}

interface Stream {
  write(text: string): Promise<void>;
  beat(text: string): void;
}

function openStream({ response, headers = {}, stalledMs = 10_000 }: StreamOptions): Stream {
  response.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    // nginx would gather the events otherwise.
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  const isOpen = () => !response.destroyed && !response.writableEnded;
  return {
    async write(text) {
      if (text === '' || !isOpen() || response.write(text)) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const giveUp = setTimeout(() => response.destroy(), stalledMs);
      response.once('drain', resolve);
      response.once('close', resolve);
      await promise;
      clearTimeout(giveUp);
      response.removeListener('drain', resolve);
      response.removeListener('close', resolve);
    },
    beat(text) {
      if (isOpen() && !response.writableNeedDrain) response.write(text);
    },
  };
}

function toText({ events, cursor, isGone }: FeedBatch): string {
  if (isGone) return toGone(cursor);
  return events.map((event) => `id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`).join('');
}

function toGone(cursor: number): string {
  return `event: gone\nid: ${cursor}\ndata: ${JSON.stringify({ cursor })}\n\n`;
}

function toEnded(reason: unknown): string {
  return `event: session_ended\ndata: ${JSON.stringify({ reason: typeof reason === 'string' ? reason : 'ended' })}\n\n`;
}
