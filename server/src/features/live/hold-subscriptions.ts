import type { FeedEventType, FeedMessage, FeedPayload } from '@almanac/contract/feed.ts';
import { type LiveMessage, type LiveMessageType, liveMessageTypes } from '@almanac/contract/live.ts';
import { newId } from '#kernel/ids.ts';
import { requirePermission, type UserPrincipal } from '#platform/access/principal.ts';
import { conflict, notFound } from '#platform/errors/app-error.ts';
import type { FeedBatch } from '#platform/feed/feed-reader.ts';
import { quote } from '#platform/http/quote.ts';
import type { Log } from '#platform/log/log.ts';
import { subscriptionRules } from './live.policy.ts';
import { isWanted, readSubscription, type SentSubscription, type WantedMessages } from './read-subscription.ts';
import type { ReadSummary } from './share-summary.ts';

/** A subscription, as it counts. */
export interface Subscription extends WantedMessages {
  readonly id: string;
}

/** Whom messages go to: a socket, or a connection of a program. */
export interface LiveTarget {
  readonly principal: UserPrincipal;
  readonly isOpen: boolean;
  /** Follows the organization's feed until the answered function is called. */
  follow(types: readonly FeedEventType[], onBatch: (batch: FeedBatch) => Promise<void>): Promise<() => void>;
  /** Resolves when the target takes more. */
  deliver(message: LiveMessage): Promise<void>;
  /** Says that messages up to this number were passed over. */
  tellGap(cursor: number): void;
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

interface HoldingOptions {
  readSummary: ReadSummary;
  /** Waits so many milliseconds. */
  pause: (ms: number) => Promise<void>;
  log: Log;
}

const mostSubscriptions = 20;
const retryMs = 1_000;

/**
 * Holds what a connection is subscribed to, and follows the feed while that is anything. All types are followed in one, so
 * that messages keep the order of their numbers and each goes out once, whatever number of subscriptions it fits.
 */
export function holdSubscriptions(target: LiveTarget, { readSummary, pause, log }: HoldingOptions): LiveSubscriptions {
  const held = new Map<string, Subscription>();
  let following: Following | undefined;

  const fits = (event: FeedMessage) => held.values().some((subscription) => isWanted(event, subscription));

  async function handOn({ events, cursor, isGone }: FeedBatch, isOn: () => boolean): Promise<void> {
    if (isGone && isOn()) target.tellGap(cursor);
    for (const event of withoutStale(events)) {
      if (!isOn()) return;
      if (fits(event)) await tell(event, isOn);
    }
  }

  async function tell(event: FeedMessage, isOn: () => boolean): Promise<void> {
    const payload = isRecount(event) ? await readOn(event.id, isOn) : contentOf(event);
    // It may have been unsubscribed from meanwhile.
    if (isOn() && fits(event)) await target.deliver(toMessage(event, target.principal.organizationId, payload));
  }

  /** Reads the summary, and goes on trying while the database is away: no later event may come to make up for it. */
  async function readOn(eventId: number, isOn: () => boolean): Promise<unknown> {
    const { organizationId } = target.principal;
    while (isOn()) {
      try {
        return await readSummary(organizationId, eventId);
      } catch (error) {
        log.warn({ err: error, organization: organizationId }, 'a summary for subscribers could not be made yet');
        await pause(retryMs);
      }
    }
    return undefined;
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

/** A message of an event, with the payload that it carries to subscribers. */
export function toMessage(event: FeedMessage, organizationId: string, payload: unknown): LiveMessage {
  return { id: event.id, type: event.type as LiveMessageType, organizationId, timestamp: event.created_at, payload };
}

/** What an event itself has for subscribers: a dashboard's update may have been sent with data of its own. */
export function contentOf(event: FeedMessage): unknown {
  return event.type === 'dashboard_update' ? (event.payload as FeedPayload<'dashboard_update'>).data : event.payload;
}

/** Of the summary only the newest counts: a slow reader is spared the ones between. */
function withoutStale(events: readonly FeedMessage[]): readonly FeedMessage[] {
  const newest = events.findLast(isRecount);
  return events.filter((event) => event === newest || !isRecount(event));
}

/** True of an update that says no more than that the summary is to be read again. */
function isRecount(event: FeedMessage): boolean {
  return event.type === 'dashboard_update' && contentOf(event) === undefined;
}

function tooMany() {
  return conflict(`A connection has at most ${mostSubscriptions} subscriptions. Unsubscribe from one first.`);
}
