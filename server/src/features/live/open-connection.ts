import type { LiveMessage } from '@almanac/contract/live.ts';
import { newId } from '#kernel/ids.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { Feed } from '#platform/feed/feed.ts';
import type { FeedFollower } from '#platform/feed/feed-follower.ts';
import type { FeedBatch } from '#platform/feed/feed-reader.ts';
import type { Log } from '#platform/log/log.ts';
import { gatherTakers, type Handler } from './gather-takers.ts';
import type { LiveTarget } from './tell-messages.ts';

/** Why a connection is over: closed by the program, or with the membership, the request or the process. */
export type ConnectionEnd = 'closed' | 'session_ended' | 'request_ended' | 'stopping';

/**
 * The connection of a program, without a socket. Messages wait in the feed until there is somebody to take them, and
 * while a handler is at work: `for await (const message of connection)` misses none and fills no memory.
 */
export interface WebSocketConnection extends AsyncIterable<LiveMessage> {
  readonly id: string;
  readonly organizationId: string;
  readonly userId: string;
  readonly isOpen: boolean;
  /** Resolves once it is over. */
  readonly ended: Promise<ConnectionEnd>;
  /** Hands messages over, one after the other; the next one waits for the promise. The answered function ends that. */
  onMessage(handler: Handler): () => void;
  close(): void;
}

interface OpeningOptions {
  principal: UserPrincipal;
  feed: Pick<Feed, 'follow'>;
  /** Waits so many milliseconds. */
  pause: (ms: number) => Promise<void>;
  log: Log;
}

const retryMs = 1_000;

/** Opens the connection of a program for a member. */
export function openConnection({ principal, feed, pause, log }: OpeningOptions) {
  const { organizationId, userId } = principal;
  const takers = gatherTakers((error) =>
    log.error({ err: error, organization: organizationId }, 'a handler of live messages failed'),
  );
  const followers = new Set<FeedFollower>();
  const { promise: ended, resolve: sayEnded } = Promise.withResolvers<ConnectionEnd>();
  let isOpen = true;

  function end(reason: ConnectionEnd): void {
    if (!isOpen) return;
    isOpen = false;
    for (const follower of followers) follower.close();
    takers.end();
    sayEnded(reason);
  }

  async function pull(follower: FeedFollower, onBatch: (batch: FeedBatch) => Promise<void>): Promise<void> {
    while (!follower.isClosed) {
      try {
        await takers.present();
        const batch = await follower.next();
        if (!follower.isClosed) await onBatch(batch);
      } catch (error) {
        log.warn({ err: error, organization: organizationId }, 'feed events could not be handed to a program');
        await pause(retryMs);
      }
    }
    // Still among them: the feed closed it, which it does when the process stops.
    if (followers.delete(follower)) end('stopping');
  }

  const target: LiveTarget = {
    principal,
    get isOpen() {
      return isOpen;
    },
    follow: async (types, onBatch) => {
      const follower = await feed.follow(organizationId, { userId }, { types });
      followers.add(follower);
      if (!isOpen) follower.close();
      void pull(follower, onBatch);
      return () => {
        followers.delete(follower);
        follower.close();
      };
    },
    deliver: takers.deliver,
    tellGap: (cursor) => log.warn({ organization: organizationId, cursor }, 'a program missed live messages'),
  };

  const connection: WebSocketConnection = {
    id: newId(),
    organizationId,
    userId,
    get isOpen() {
      return isOpen;
    },
    ended,
    onMessage: takers.add,
    close: () => end('closed'),
    [Symbol.asyncIterator]: () => iterate(connection),
  };
  return { connection, target, end };
}

/** Takes messages one by one: each is done with once the next one is asked for, or none any more. */
async function* iterate(connection: WebSocketConnection): AsyncGenerator<LiveMessage, void> {
  let taken: { message: LiveMessage; done: () => void } | undefined;
  let wake = Promise.withResolvers<void>();
  const forget = connection.onMessage((message) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    taken = { message, done: resolve };
    wake.resolve();
    return promise;
  });
  void connection.ended.then(() => wake.resolve());
  try {
    while (connection.isOpen) {
      await wake.promise;
      if (!taken || !connection.isOpen) continue;
      yield taken.message;
      wake = Promise.withResolvers();
      if (!connection.isOpen) return;
      const { done } = taken;
      taken = undefined;
      done();
    }
  } finally {
    forget();
    taken?.done();
  }
}
