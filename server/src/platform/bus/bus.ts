/** What can be said over the bus: anything that survives JSON. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/**
 * Messages between the processes of one installation. A doorbell, never a source of truth: a message can be lost in an
 * outage, and `onRestored` tells when that may have happened.
 */
export interface Bus {
  /** True where other processes may listen (PostgreSQL or Redis), false for the embedded database. */
  readonly isShared: boolean;
  /** Whether what the others say is heard at the moment. */
  isConnected(): boolean;
  /** Tells the other processes; never throws, never waits. Not delivered to this process. */
  publish(topic: string, message: JsonValue): void;
  /**
   * Resolves when every other connected process has handled it, after 250 ms with a warning (once a minute) when one
   * does not answer, and at once when it cannot be sent: the others are then told to catch up when it can.
   */
  publishAndSettle(topic: string, message: JsonValue): Promise<void>;
  /** Calls the handler for each message of the topic from another process, until the returned function is called. */
  subscribe(topic: string, handler: (message: JsonValue) => void): () => void;
  /**
   * Called whenever messages may have been missed: each time this process is connected (the first time too), and when
   * another process could not send for a while. What is held from before then must be looked up again.
   */
  onRestored(handler: () => void): () => void;
  close(): Promise<void>;
}

/** The bus of an installation of one process: there is nobody to tell and nobody to hear. */
export function createLocalBus(): Bus {
  return {
    isShared: false,
    isConnected: () => true,
    publish: () => undefined,
    publishAndSettle: () => Promise.resolve(),
    subscribe: () => () => undefined,
    onRestored: () => () => undefined,
    close: () => Promise.resolve(),
  };
}
