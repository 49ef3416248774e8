import { AppError } from '#platform/errors/app-error.ts';
import type { RealtimeLimits } from './realtime-limits.ts';

/** Lets the handshakes of one transport connection through: one at a time, and only few that fail. */
export interface ConnectGate {
  /** Runs a handshake. Throws RATE_LIMITED, without running it, while another is under way. */
  pass<T>(handshake: () => Promise<T>): Promise<T>;
  /** True once so many have failed that the connection is to be closed. */
  readonly isUsedUp: boolean;
}

/** Makes the gate of one transport connection. */
export function createConnectGate({ maxFailedHandshakes }: Pick<RealtimeLimits, 'maxFailedHandshakes'>): ConnectGate {
  let isBusy = false;
  let failures = 0;

  async function run<T>(handshake: () => Promise<T>): Promise<T> {
    if (isBusy) throw oneAtATime();
    isBusy = true;
    try {
      return await handshake();
    } finally {
      isBusy = false;
    }
  }

  return {
    async pass(handshake) {
      if (failures >= maxFailedHandshakes) throw tooManyFailures(maxFailedHandshakes);
      try {
        return await run(handshake);
      } catch (error) {
        failures += 1;
        throw error;
      }
    },
    get isUsedUp() {
      return failures >= maxFailedHandshakes;
    },
  };
}

function oneAtATime(): AppError {
  return new AppError({
    code: 'RATE_LIMITED',
    message: 'Another handshake of this connection is under way: wait for its answer.',
  });
}

function tooManyFailures(failures: number): AppError {
  return new AppError({
    code: 'RATE_LIMITED',
    message: `${failures} handshakes of this connection have failed: open another one with the right credentials.`,
  });
}
