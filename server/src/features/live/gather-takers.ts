import type { LiveMessage } from '@almanac/contract/live.ts';

/** Takes a message; the next one waits for the promise. */
export type Handler = (message: LiveMessage) => void | Promise<void>;

/** Whoever takes the messages of a connection. */
export interface Takers {
  /** Resolves while there is somebody, or nobody will be any more. */
  present(): Promise<void>;
  /** Takes messages from now on, until the answered function is called. */
  add(handler: Handler): () => void;
  /** Hands a message to all that are there, once there is anybody. */
  deliver(message: LiveMessage): Promise<void>;
  end(): void;
}

/** Gathers takers, of whom one that fails does not keep the message from the others. */
export function gatherTakers(onFailed: (error: unknown) => void): Takers {
  const handlers = new Set<Handler>();
  let anybody = Promise.withResolvers<void>();
  let isOver = false;
  return {
    present: () => anybody.promise,
    add(handler) {
      handlers.add(handler);
      anybody.resolve();
      return () => {
        handlers.delete(handler);
        if (handlers.size === 0 && !isOver) anybody = Promise.withResolvers();
      };
    },
    async deliver(message) {
      await anybody.promise;
      for (const handle of [...handlers]) {
        try {
          await handle(message);
        } catch (error) {
          onFailed(error);
        }
      }
    },
    end() {
      isOver = true;
      anybody.resolve();
    },
  };
}
