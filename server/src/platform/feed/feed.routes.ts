import { type FeedEventType, feedPayloads, readFeed, streamFeedEvents } from '@almanac/contract/feed.ts';
import type { FastifyInstance } from 'fastify';
import { validationFailed } from '../errors/app-error.ts';
import { StreamAnswer } from '../http/answers.ts';
import { bind } from '../http/bind.ts';
import type { Log } from '../log/log.ts';
import type { ConnectionCounts } from '../realtime/connection-counts.ts';
import type { SessionWatch } from '../realtime/session-watch.ts';
import type { Feed } from './feed.ts';
import { streamFeed } from './stream-feed.ts';

interface FeedRoutesOptions {
  feed: Feed;
  /** Ends streams whose session has ended. */
  sessions: Pick<SessionWatch, 'add'>;
  /** Streams count as connections, like sockets. */
  counts: ConnectionCounts;
  telemetry: { countFeedDelivered(delivery: { transport: string; count: number }): void };
  log: Log;
}

/** GET /api/feed, /api/feed/stream. */
export function addFeedRoutes(app: FastifyInstance, options: FeedRoutesOptions): void {
  const { feed, sessions, counts, telemetry, log } = options;
  bind(app, readFeed, {
    access: 'feed:read',
    handle: async ({ principal, query: { after, types, limit } }) => {
      const { organizationId } = principal;
      const wanted = readTypes(types);
      if (after === undefined) return { events: [], cursor: await feed.head(organizationId), gone: false };
      const batch = await feed.readAfter(organizationId, principal, { after, types: wanted, limit });
      telemetry.countFeedDelivered({ transport: 'http', count: batch.events.length });
      return { events: [...batch.events], cursor: batch.cursor, gone: batch.isGone };
    },
  });
  bind(app, streamFeedEvents, {
    access: 'feed:read',
    handle: async ({ principal, query, headers, origin }) => {
      const resumed = headers['last-event-id'];
      const after = typeof resumed === 'string' && /^\d{1,15}$/.test(resumed) ? Number(resumed) : query.after;
      const types = readTypes(query.types);
      const release = counts.take(principal, origin.address);
      const follower = await feed
        .follow(principal.organizationId, principal, { after, types })
        .catch((error: unknown) => {
          release();
          throw error;
        });
      const onDelivered = (count: number) => telemetry.countFeedDelivered({ transport: 'sse', count });
      return new StreamAnswer(async (response, sent) => {
        const ending = new AbortController();
        const unwatch = sessions.add({ principal, expiresAt: principal.expiresAt, end: (end) => ending.abort(end) });
        try {
          await streamFeed({ follower, response, headers: sent, signal: ending.signal, log, onDelivered });
        } finally {
          unwatch();
          release();
        }
      });
    },
  });
}

function readTypes(text: string | undefined): FeedEventType[] | undefined {
  if (text === undefined) return undefined;
  const known = Object.keys(feedPayloads);
  const types = text.split(',').map((type) => type.trim());
  const wrong = types.find((type) => !known.includes(type));
  if (wrong !== undefined) {
    throw validationFailed([{ field: 'types', issue: `'${wrong}' is not one of ${known.join(', ')}` }]);
  }
  return types as FeedEventType[];
}
