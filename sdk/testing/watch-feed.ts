import type { Client, FeedConnection, FeedEvent, FeedOptions, LiveState } from '../src/index.ts';

/** A follower that keeps what it is told. */
export interface WatchedFeed {
  readonly connection: FeedConnection;
  readonly events: FeedEvent[];
  readonly states: LiveState[];
  readonly gone: number[];
  readonly ends: unknown[];
  readonly ids: number[];
  /** Resolves when that is so, at once or with something that it is told. */
  until(isSo: (feed: WatchedFeed) => boolean): Promise<void>;
}

/** Follows a client's feed. */
export function watchFeed(client: Client, options: Partial<FeedOptions> = {}): WatchedFeed {
  const waiting = new Set<() => void>();
  const keep =
    <Told>(list: Told[]) =>
    (told: Told) => {
      list.push(told);
      for (const look of [...waiting]) look();
    };
  const [events, states, gone, ends]: [FeedEvent[], LiveState[], number[], unknown[]] = [[], [], [], []];
  const connection = client.connectFeed({
    ...options,
    onEvent: keep(events),
    onState: keep(states),
    onGone: keep(gone),
    onEnd: keep(ends),
  });
  const feed: WatchedFeed = {
    connection,
    events,
    states,
    gone,
    ends,
    get ids() {
      return events.map(({ id }) => id);
    },
    until: (isSo) =>
      new Promise((resolve) => {
        const look = () => {
          if (!isSo(feed)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
  return feed;
}
