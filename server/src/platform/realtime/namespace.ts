import type { FeedEventType } from '@almanac/contract/feed.ts';
import type { Permission } from '@almanac/contract/permissions.ts';
import type { Connection } from './connection.ts';
import type { Admission } from './handshake.ts';
import type { Comeback } from './recovery.ts';

/** A namespace of Socket.IO, for features to serve. */
export interface RealtimeNamespace {
  /**
   * Called for each admitted connection, in the order registered; register before the server listens. One that refuses
   * for lack of a right does not serve the connection, which goes on without it; any other error ends the connection.
   */
  onConnection(handle: (connection: Connection) => void): void;
}

/** What a namespace asks of its clients, and does for them. */
export interface NamespaceRules {
  /** The right that a handshake takes; without one everybody who is known is let in, and served as far as rights go. */
  readonly access?: Permission;
  /** The events that a client which was away for at most two minutes is sent; without them nobody is sent any. */
  readonly recovers?: readonly FeedEventType[];
}

/** Who a client turned out to be, and what it missed where it was here before. */
export interface Admitted {
  readonly admission: Admission;
  readonly comeback: Comeback | undefined;
}
