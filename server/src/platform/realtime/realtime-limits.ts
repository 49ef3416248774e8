/** What one connection, user or address may ask of a process, and what may wait for a client that reads slowly. */
export interface RealtimeLimits {
  /** Events a connection may send: this many at once, refilled by `eventsPerSecond`. */
  readonly eventBurst: number;
  readonly eventsPerSecond: number;
  /** Refused events in a row after which the connection is ended. */
  readonly maxRefusals: number;
  /** Failed handshakes after which the transport connection is closed. */
  readonly maxFailedHandshakes: number;
  /** Events of one connection that may be worked on at the same time. */
  readonly maxHandlersAtOnce: number;
  readonly maxConnectionsPerUser: number;
  /** For anonymous connections. */
  readonly maxConnectionsPerAddress: number;
  /** Larger payloads are refused with an error. */
  readonly maxPayloadBytes: number;
  /** A larger message ends the connection: it is not read at all. */
  readonly maxMessageBytes: number;
  /** Nothing is written while more than this waits in the transport. */
  readonly maxWaitingBytes: number;
  /** No state is made while more than this waits: a slow client gets the newest one when it has room. */
  readonly maxWaitingBytesForState: number;
  /** Answers and messages, other than states and feed events, that may wait for room. */
  readonly maxWaitingMessages: number;
  /** A client that takes nothing of what waits for this long is ended. */
  readonly stalledMs: number;
  /** How often connections are looked over for stalled ones and expired tokens. */
  readonly watchMs: number;
  /** How often ended sessions are looked for. */
  readonly sessionCheckMs: number;
}

export const defaultLimits: RealtimeLimits = {
  eventBurst: 40,
  eventsPerSecond: 20,
  maxRefusals: 100,
  maxFailedHandshakes: 5,
  maxHandlersAtOnce: 16,
  maxConnectionsPerUser: 50,
  maxConnectionsPerAddress: 100,
  maxPayloadBytes: 64 * 1024,
  maxMessageBytes: 1024 * 1024,
  maxWaitingBytes: 2 * 1024 * 1024,
  maxWaitingBytesForState: 256 * 1024,
  maxWaitingMessages: 100,
  stalledMs: 8_000,
  watchMs: 1_000,
  sessionCheckMs: 4_000,
};
