import { type FeedEventType, feedPayloads } from '@almanac/contract/feed.ts';
import { Type } from 'typebox';
import { requirePermission } from '#platform/access/principal.ts';
import type { FeedFollower } from '#platform/feed/feed-follower.ts';
import type { FeedBatch } from '#platform/feed/feed-reader.ts';
import type { LiveConnection } from './connection.ts';

const types = Object.keys(feedPayloads) as FeedEventType[];

const Subscribe = Type.Object(
  {
    after: Type.Optional(Type.Integer({ minimum: 0 })),
    types: Type.Optional(Type.Array(Type.Enum(types), { minItems: 1, maxItems: types.length })),
  },
  { additionalProperties: false },
);

const Unsubscribe = Type.Object({}, { additionalProperties: false });

type OnDelivered = (delivery: { transport: string; count: number }) => void;

/**
 * Offers the organization's feed on a connection: `feed_subscribe {after?, types?}`, acknowledged with the cursor and
 * whether `after` is gone, then `feed_event`s; `feed_gone {cursor}` where the client fell behind what is kept.
 */
export function offerFeed(connection: LiveConnection, onDelivered: OnDelivered): void {
  let current: FeedFollower | undefined;

  async function handOn({ events, cursor, isGone }: FeedBatch, follower: FeedFollower): Promise<void> {
    if (isGone) connection.send('feed_gone', { cursor });
    for (const event of events) {
      await connection.outlet.room();
      if (follower.isClosed) return;
      connection.send('feed_event', event);
    }
    onDelivered({ transport: connection.transportName, count: events.length });
  }

  connection.on('feed_subscribe', Subscribe, async ({ after, types: wanted }) => {
    requirePermission(connection.principal, 'feed:read');
    const follower = await connection.openFollower({ after, types: wanted });
    current?.close();
    current = follower;
    const { cursor, isGone } = follower;
    // After this turn, so that the acknowledgement goes out before the events.
    setImmediate(() => void connection.pull(follower, (batch) => handOn(batch, follower)));
    return { cursor, gone: isGone };
  });

  connection.on('feed_unsubscribe', Unsubscribe, () => {
    current?.close();
    current = undefined;
    return undefined;
  });
}
