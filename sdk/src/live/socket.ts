type Listener = (...values: never[]) => void;

/** What is used of a socket of socket.io-client. */
export interface Socket {
  readonly connected: boolean;
  connect(): unknown;
  disconnect(): unknown;
  on(event: string, listener: Listener): unknown;
  emit(event: string, ...values: unknown[]): unknown;
  timeout(milliseconds: number): { emit(event: string, ...values: unknown[]): unknown };
}

/** What is used of `io` of socket.io-client. */
export type OpenSocket = (url: string, options: Record<string, unknown>) => Socket;

/** What the server acknowledges an event with. */
export type Acknowledgement = { success: true; [name: string]: unknown } | { success: false; error: string };

/** How long a server may take to answer, by the machine's own clock. */
export const answerMs = 10_000;

/**
 * Sends an event and resolves when it is acknowledged. `onAnswer` runs before anything that comes after the
 * acknowledgement is read. Rejects where the server refuses, or says nothing for ten seconds.
 */
export function ask(
  socket: Socket,
  [event, payload]: readonly [string, object],
  onAnswer?: (answer: Record<string, unknown>) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.timeout(answerMs).emit(event, payload, (fault: Error | null, answer?: Acknowledgement) => {
      if (fault || !answer) return reject(fault ?? new Error(`${event} was acknowledged with nothing.`));
      if (!answer.success) return reject(new Error(`${event} was refused: ${answer.error}`));
      onAnswer?.(answer);
      resolve();
    });
  });
}

/** Imports socket.io-client, which a program adds to its packages only where it connects. */
export async function importOpenSocket(): Promise<OpenSocket> {
  const { io } = await import('socket.io-client');
  return io;
}
