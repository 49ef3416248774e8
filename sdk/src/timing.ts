/** Time and chance as the client uses them, so that a test can hold them. */
export interface Timing {
  /** Epoch milliseconds. */
  now(): number;
  /** From 0 up to, but not including, 1. */
  random(): number;
  /** Runs something that much later; the function that is answered calls it off. */
  after(milliseconds: number, run: () => void): () => void;
}

/** What setTimeout takes; anything longer would run at once. */
const mostTimerMs = 2 ** 31 - 1;

/** The clock and the chance of the machine. */
export const machineTiming: Timing = {
  now: () => Date.now(),
  random: () => Math.random(),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, Math.min(milliseconds, mostTimerMs));
    return () => clearTimeout(timer);
  },
};

/** Waits that long. Rejects with the signal's reason as soon as it aborts. */
export function pause(timing: Timing, milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = timing.after(milliseconds, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}
