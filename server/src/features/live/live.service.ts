import type { LiveMessage } from '@almanac/contract/live.ts';
import { isId } from '#kernel/ids.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { Scopes } from '#platform/db/scopes.ts';
import { conflict, notFound, validationFailed } from '#platform/errors/app-error.ts';
import type { Feed } from '#platform/feed/feed.ts';
import { quote } from '#platform/http/quote.ts';
import type { Log } from '#platform/log/log.ts';
import { createSessionWatch, type FindEnded } from '#platform/realtime/session-watch.ts';
import { type Broadcast, createBroadcastCheck } from './check-broadcast.ts';
import { holdSubscriptions, type LiveSubscriptions, type Subscription } from './hold-subscriptions.ts';
import { findAdministrators } from './live.store.ts';
import { openConnection, type WebSocketConnection } from './open-connection.ts';
import { createPace } from './pace-work.ts';
import type { SentSubscription } from './read-subscription.ts';
import { shareSummary } from './share-summary.ts';
import { contentOf, type LiveTarget, toMessage } from './tell-messages.ts';

export interface LiveOptions {
  scopes: Pick<Scopes, 'inInstance'>;
  feed: Pick<Feed, 'follow' | 'publishNumbered' | 'readAfter'>;
  findMember: (member: { userId: string; organizationId: string }) => Promise<UserPrincipal | undefined>;
  findEnded: FindEnded;
  /** An organization's summary, of this moment. */
  summarize: Parameters<typeof shareSummary>[0];
  now: () => Date;
  /** Waits so many milliseconds. */
  pause: (ms: number) => Promise<void>;
  log: Log;
  /** How often it is looked whose membership has ended, while programs hold connections. */
  sessionCheckMs?: number;
}

/** Who connects, as the program has made sure. */
interface Connecting {
  readonly organizationId: string;
  readonly userId: string;
  /** What the connection is made for: where it has an AbortSignal as `signal`, the connection ends with that. */
  readonly request?: object | undefined;
}

/** Live messages for programs that run Almanac as a library. The sockets' subscriptions are the same ones. */
export interface WebSocketService {
  /** Connects a member. Throws VALIDATION_ERROR for what is no id, NOT_FOUND for whoever is no active member. */
  initializeConnection(connecting: Connecting): Promise<WebSocketConnection>;
  /** Subscribes a connection, also that of a socket of this process; see `LiveSubscriptions`. Throws NOT_FOUND. */
  subscribe(connectionId: string, sent: SentSubscription): Promise<Subscription>;
  /** Throws NOT_FOUND for a connection or a subscription that is not there. */
  unsubscribe(connectionId: string, subscription: { readonly id: string }): Promise<void>;
  /**
   * Sends a message to the organization's subscribers on every node, and answers it; a `system_alert` reaches administrators
   * of the installation alone. Throws VALIDATION_ERROR, NOT_FOUND for the organization, and CONFLICT for an alert that
   * nobody there may see.
   */
  broadcastMessage(broadcast: Broadcast): Promise<LiveMessage>;
}

/** The service, with what sockets need of it. */
export interface LiveService extends WebSocketService {
  /** Holds the subscriptions of a connection until it is detached. */
  attach(connectionId: string, target: LiveTarget): LiveSubscriptions;
  detach(connectionId: string): void;
  /** Ends the connections of programs. */
  close(): void;
}

export function createLiveService(options: LiveOptions): LiveService {
  const { findMember, feed, pause, log } = options;
  const held = new Map<string, LiveSubscriptions>();
  const opened = new Set<() => void>();
  const holding = { pause, log, pace: createPace(), readSummary: shareSummary(options.summarize) };
  const watch = createMemberWatch(options);
  const check = createBroadcastCheck();

  const attach: LiveService['attach'] = (connectionId, target) => {
    const subscriptions = holdSubscriptions(target, holding);
    held.set(connectionId, subscriptions);
    return subscriptions;
  };
  const get = (connectionId: string): LiveSubscriptions => {
    const found = held.get(connectionId);
    if (!found) throw notFound('connection', quote(connectionId).slice(1, -1));
    return found;
  };

  return {
    attach,
    detach: (connectionId) => void held.delete(connectionId),
    initializeConnection: async ({ organizationId, userId, request }) => {
      const [organization, user] = [readId('organizationId', organizationId), readId('userId', userId)];
      const principal = await findMember({ organizationId: organization, userId: user });
      if (!principal) throw notFound(`active member of '${organization}'`, user);
      const { connection, target, end } = openConnection({ principal, feed, pause, log });
      attach(connection.id, target);
      const stop = () => end('stopping');
      opened.add(stop);
      const leave = [
        watch.add(principal, () => end('session_ended')),
        endWith(request, () => end('request_ended')),
        () => void held.delete(connection.id),
        () => void opened.delete(stop),
      ];
      void connection.ended.then(() => {
        for (const run of leave) run();
      });
      return connection;
    },
    subscribe: async (connectionId, sent) => get(connectionId).subscribe(sent),
    unsubscribe: async (connectionId, { id }) => get(connectionId).unsubscribe(id),
    close: () => {
      for (const stop of [...opened]) stop();
    },
    broadcastMessage: async (broadcast) => {
      const organizationId = readId('organizationId', broadcast.organizationId);
      return publish({ ...check(broadcast), organizationId }, options);
    },
  };
}

type Checked = ReturnType<ReturnType<typeof createBroadcastCheck>> & { readonly organizationId: string };

/** Publishes what was checked; as an alert to each administrator by themselves, so that nobody else is shown it. */
async function publish(
  { organizationId, ...draft }: Checked,
  { scopes, feed }: Pick<LiveOptions, 'scopes' | 'feed'>,
): Promise<LiveMessage> {
  const { id, viewer } = await scopes.inInstance(async (tx) => {
    const administrators = await findAdministrators(tx, organizationId);
    if (!administrators) throw notFound('organization', organizationId);
    const isAlert = draft.type === 'system_alert';
    if (isAlert && administrators.length === 0) throw nobodyToAlert(organizationId);
    const audiences = isAlert ? administrators.map((userId) => ({ audience: { userId } })) : [{}];
    const number = await tx.inOrganization(organizationId, (inside) =>
      feed.publishNumbered(
        inside,
        audiences.map((audience) => ({ ...draft, ...audience })),
      ),
    );
    return { id: number, viewer: { userId: administrators.at(-1) ?? organizationId } };
  });
  const { events } = await feed.readAfter(organizationId, viewer, { after: id - 1, limit: 1 });
  const [event] = events;
  if (event?.id !== id) throw new Error(`The event ${id} of ${organizationId} was announced and cannot be read.`);
  return toMessage(event, organizationId, contentOf(event));
}

/** Ends the connections of programs whose member is none any more; looks only while there are some. */
function createMemberWatch({ findEnded, now, log, sessionCheckMs = 4_000 }: LiveOptions) {
  const sessions = createSessionWatch({ findEnded, now, log });
  let timer: NodeJS.Timeout | undefined;
  let count = 0;
  return {
    /** Watches a member until the answered function is called. */
    add(principal: UserPrincipal, end: () => void): () => void {
      const unwatch = sessions.add({ principal, expiresAt: undefined, end });
      count += 1;
      timer ??= setInterval(() => void sessions.endRevoked(), sessionCheckMs).unref();
      return () => {
        unwatch();
        count -= 1;
        if (count > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
  };
}

/** Ends with the signal of a request, if it has one; answers how to listen no more. */
function endWith(request: object | undefined, end: () => void): () => void {
  const signal = request && 'signal' in request ? request.signal : undefined;
  if (!(signal instanceof AbortSignal)) return () => undefined;
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  return () => signal.removeEventListener('abort', end);
}

function readId(field: string, value: unknown): string {
  if (isId(value)) return value.toLowerCase();
  throw validationFailed([{ field, issue: `${quote(value)} is not an id` }]);
}

function nobodyToAlert(organizationId: string) {
  return conflict(`No administrator of the installation is in the organization '${organizationId}' to be alerted.`);
}
