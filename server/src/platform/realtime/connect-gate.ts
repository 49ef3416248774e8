import { AppError } from '#platform/errors/app-error.ts';
import type { RealtimeLimits } from './realtime-limits.ts';

const mostWaiting = 8;

/** Lets the handshakes of one transport connection through: one after the other, and only few that fail. */
export interface ConnectGate {
  /** Runs a handshake once those before it have ended. Throws RATE_LIMITED, without running it, past eight at once. */
  pass<T>(handshake: () => Promise<T>): Promise<T>;
  /** True once so many have failed that the connection is to be closed. */
  readonly isUsedUp: boolean;
}

/** Makes the gate of one transport connection. */
export function createConnectGate({ maxFailedHandshakes }: Pick<RealtimeLimits, 'maxFailedHandshakes'>): ConnectGate {
  let failures = 0;
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();

  async function run<T>(handshake: () => Promise<T>): Promise<T> {
    try {
      if (failures >= maxFailedHandshakes) throw tooManyFailures(maxFailedHandshakes);
      return await handshake();
    } catch (error) {
      failures += 1;
      throw error;
    }
  }

  return {
    /** A client of several namespaces sends its handshakes at once: they take their turn. */
    async pass(handshake) {
      if (waiting >= mostWaiting) return run(() => Promise.reject(tooManyAtOnce()));
      waiting += 1;
      const turn = last.then(() => run(handshake));
      last = turn.catch(() => undefined);
      try {
        return await turn;
      } finally {
        waiting -= 1;
      }
    },
    get isUsedUp() {
      return failures >= maxFailedHandshakes;
    },
  };
}

function tooManyAtOnce(): AppError {
  return new AppError({
    code: 'RATE_LIMITED',
    message: `${mostWaiting} handshakes of this connection are under way: wait for their answers.`,
  });
}

function tooManyFailures(failures: number): AppError {
  return new AppError({
    code: 'RATE_LIMITED',
    message: `${failures} handshakes of this connection have failed: open another one with the right credentials.`,
  });
}
