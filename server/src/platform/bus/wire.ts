/** What a wire tells the bus that stands on it. */
export interface WireEvents {
  heard(payload: string): void;
  /** From now on everything that is sent reaches this process. */
  up(): void;
  down(): void;
}

/** One way of carrying text between processes (Redis channels, PostgreSQL notifications). */
export interface Wire {
  /**
   * Sends to every process, this one included. With `isCounted` it resolves with how many listen, this one included;
   * rejects when it may not have been sent.
   */
  broadcast(payload: string, isCounted: boolean): Promise<number>;
  /** Sends to one process by its id. */
  sendTo(processId: string, payload: string): Promise<void>;
  /** Resolves when the listening side has answered, after everything that was sent to it before. */
  beat(): Promise<void>;
  /** Gives the listening connection up and opens another. */
  reset(): void;
  close(): Promise<void>;
}

/** What is needed to lay a wire. */
export interface WireContext {
  processId: string;
  beatMs: number;
  events: WireEvents;
}
