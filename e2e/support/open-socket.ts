import type { FeedMessage } from '@almanac/contract/feed.ts';
import type { WeeklyData } from '@almanac/contract/weekly.ts';
import { io, type Socket } from 'socket.io-client';

/** A stock client that keeps what it was sent. */
export interface Listener {
  readonly socket: Socket;
  /** The weekly objects, in the order in which they came. */
  readonly weeks: WeeklyData[];
  /** The feed's events, in the order in which they came. */
  readonly events: FeedMessage[];
  /** Resolves with the first weekly object, past or to come, that fits. */
  week(fits: (week: WeeklyData) => boolean): Promise<WeeklyData>;
  /** Resolves when an event with that number or a later one has come. */
  event(id: number): Promise<void>;
  close(): void;
}

interface ListenerOptions {
  token?: string;
  organization?: string;
  /** Follows the feed from now on, and after each reconnection from where it was. */
  followsFeed?: boolean;
  transports?: ('websocket' | 'polling')[];
}

/** Connects, and resolves when the connection stands and the feed is followed where that is asked. */
export async function openSocket(url: string, options: ListenerOptions = {}): Promise<Listener> {
  const { followsFeed = false, transports, ...auth } = options;
  const timing = { reconnectionDelay: 50, reconnectionDelayMax: 200 };
  const socket = io(url, { auth, forceNew: true, ...timing, ...(transports ? { transports } : {}) });
  const weeks: WeeklyData[] = [];
  const events: FeedMessage[] = [];
  const watchers = new Set<() => void>();
  const notify = () => {
    for (const watch of watchers) watch();
  };
  const seen = <T>(look: () => T | undefined) =>
    new Promise<T>((resolve) => {
      const watch = () => {
        const found = look();
        if (found === undefined) return;
        watchers.delete(watch);
        resolve(found);
      };
      watchers.add(watch);
      watch();
    });
  let cursor: number | undefined;
  const follow = async () => {
    const asked = cursor === undefined ? {} : { after: cursor };
    const answer = (await socket.emitWithAck('feed_subscribe', asked)) as { cursor: number };
    cursor ??= answer.cursor;
  };
  socket.on('weekly_data_update', (week: WeeklyData) => {
    weeks.push(week);
    notify();
  });
  socket.on('feed_event', (event: FeedMessage) => {
    cursor = event.id;
    events.push(event);
    notify();
  });
  const opened = Promise.withResolvers<void>();
  socket.on('connect', () => {
    // Lost on the way to a server that ends: the next connection asks again.
    if (followsFeed) follow().then(opened.resolve, () => undefined);
    else opened.resolve();
  });
  await opened.promise;
  return {
    socket,
    weeks,
    events,
    week: (fits) => seen(() => weeks.find(fits)),
    event: async (id) => void (await seen(() => events.find((event) => event.id >= id))),
    close: () => void socket.disconnect(),
  };
}

/** The places where a number is missing or comes twice among what one listener was shown. */
export function findBreaks(events: readonly FeedMessage[]): string[] {
  return events.flatMap((event, index) => {
    const before = events[index - 1];
    return before && event.previous_id !== before.id ? [`${before.id} → ${event.id} (after ${event.previous_id})`] : [];
  });
}
