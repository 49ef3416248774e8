import type { FeedEventType, FeedMessage, FeedPayload } from '@almanac/contract/feed.ts';
import type { LiveMessage, LiveMessageType } from '@almanac/contract/live.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { FeedBatch } from '#platform/feed/feed-reader.ts';
import type { Log } from '#platform/log/log.ts';
import type { ReadSummary } from './share-summary.ts';

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

export interface TellingOptions {
  readSummary: ReadSummary;
  /** Waits so many milliseconds. */
  pause: (ms: number) => Promise<void>;
  /** Gives other work a turn, now and then. */
  pace: () => Promise<void>;
  log: Log;
}

const retryMs = 1_000;

/** Tells a target of an event while it wants that. Resolves once it is told, or set aside to be told later. */
export type Tell = (event: FeedMessage, isWanted: () => boolean) => Promise<void>;

/**
 * Makes what tells a target of events, one message after the other. An update of a dashboard goes out with the summary;
 * where that cannot be made at the moment it is sent once it can, after the messages that came meanwhile.
 */
export function tellMessages(target: LiveTarget, { readSummary, pause, pace, log }: TellingOptions): Tell {
  const { organizationId } = target.principal;
  /** The newest event that asks for the summary. */
  let owed: FeedMessage | undefined;
  let last = Promise.resolve<unknown>(undefined);

  function deliver(event: FeedMessage, payload: unknown, isWanted: () => boolean): Promise<void> {
    const message = toMessage(event, organizationId, payload);
    const done = last.then(pace).then(() => (isWanted() ? target.deliver(message) : undefined));
    last = done.catch(() => undefined);
    return done;
  }

  /** False where the summary cannot be made at the moment. */
  async function tellSummary(event: FeedMessage, isWanted: () => boolean): Promise<boolean> {
    try {
      await deliver(event, await readSummary(organizationId, event.id), isWanted);
      return true;
    } catch (error) {
      log.warn({ err: error, organization: organizationId }, 'a summary for subscribers could not be made yet');
      return false;
    }
  }

  /** Goes on trying beside later events, unless one of them asks for the summary anew. */
  async function tellLater(event: FeedMessage, isWanted: () => boolean): Promise<void> {
    do await pause(retryMs);
    while (isWanted() && owed === event && !(await tellSummary(event, isWanted)));
  }

  return async (event, isWanted) => {
    if (!isRecount(event)) return deliver(event, contentOf(event), isWanted);
    owed = event;
    if (!(await tellSummary(event, isWanted))) void tellLater(event, isWanted);
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

/** True of an update that says no more than that the summary is to be read again. */
export function isRecount(event: FeedMessage): boolean {
  return event.type === 'dashboard_update' && contentOf(event) === undefined;
}
