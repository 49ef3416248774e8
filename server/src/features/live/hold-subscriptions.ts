import type { FeedMessage } from '@almanac/contract/feed.ts';
import { liveMessageTypes } from '@almanac/contract/live.ts';
import { newId } from '#kernel/ids.ts';
import { requirePermission } from '#platform/access/principal.ts';
import { conflict, notFound } from '#platform/errors/app-error.ts';
import type { FeedBatch } from '#platform/feed/feed-reader.ts';
import { quote } from '#platform/http/quote.ts';
import { subscriptionRules } from './live.policy.ts';
import { isWanted, readSubscription, type SentSubscription, type WantedMessages } from './read-subscription.ts';
import { isRecount, type LiveTarget, type TellingOptions, tellMessages } from './tell-messages.ts';

/** A subscription, as it counts. */
export interface Subscription extends WantedMessages {
  readonly id: string;
}

/** The subscriptions of one connection. */
export interface LiveSubscriptions {
  /**
   * Resolves once the feed is followed: what is announced later is told. What is subscribed to already is answered as it is.
   * Throws VALIDATION_ERROR, FORBIDDEN or UNAUTHENTICATED for lack of the type's right, and CONFLICT past 20 of them.
   */
  subscribe(sent: SentSubscription): Promise<Subscription>;
  /** Throws NOT_FOUND. */
  unsubscribe(id: string): void;
}

interface Following {
  isOver: boolean;
  begun: Promise<() => void>;
}

const mostSubscriptions = 20;

/**
 * Holds what a connection is subscribed to, and follows the feed while that is anything. All types are followed in one, so
 * that messages keep the order of their numbers and each goes out once, whatever number of subscriptions it fits.
 */
export function holdSubscriptions(target: LiveTarget, options: TellingOptions): LiveSubscriptions {
  const held = new Map<string, Subscription>();
  let following: Following | undefined;
  const tell = tellMessages(target, options);

  const fits = (event: FeedMessage) => held.values().some((subscription) => isWanted(event, subscription));

  async function handOn({ events, cursor, isGone }: FeedBatch, isOn: () => boolean): Promise<void> {
    if (isGone && isOn()) target.tellGap(cursor);
    for (const event of withoutStale(events)) {
      if (!isOn()) return;
      if (fits(event)) await tell(event, () => isOn() && fits(event));
    }
  }

  function follow(): Following {
    const own = { isOver: false } as Following;
    own.begun = target.follow(liveMessageTypes, (batch) => handOn(batch, () => !own.isOver && target.isOpen));
    return own;
  }

  function remove(id: string): void {
    held.delete(id);
    if (held.size > 0 || !following) return;
    following.isOver = true;
    following.begun.then(
      (stop) => stop(),
      () => undefined,
    );
    following = undefined;
  }

  return {
    subscribe: async (sent) => {
      const wanted = readSubscription(sent, target.principal.organizationId);
      requirePermission(target.principal, subscriptionRules[wanted.type].access);
      const key = JSON.stringify(wanted);
      const known = held.values().find(({ type, filters }) => JSON.stringify({ type, filters }) === key);
      if (!known && held.size >= mostSubscriptions) throw tooMany();
      const subscription = known ?? { id: newId(), ...wanted };
      held.set(subscription.id, subscription);
      following ??= follow();
      try {
        await following.begun;
      } catch (error) {
        remove(subscription.id);
        throw error;
      }
      return subscription;
    },
    unsubscribe: (id) => {
      if (!held.has(id)) throw notFound('subscription', quote(id).slice(1, -1));
      remove(id);
    },
  };
}

/** Of the summary only the newest counts: a slow reader is spared the ones between. */
function withoutStale(events: readonly FeedMessage[]): readonly FeedMessage[] {
  const newest = events.findLast(isRecount);
  return events.filter((event) => event === newest || !isRecount(event));
}

function tooMany() {
  return conflict(`A connection has at most ${mostSubscriptions} subscriptions. Unsubscribe from one first.`);
}
