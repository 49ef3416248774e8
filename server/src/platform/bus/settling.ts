import type { Log } from '#platform/log/log.ts';
import { createRareWarning } from './rare-warning.ts';

interface Settling {
  /** Starts waiting for the acknowledgements of one message. */
  open(): { number: number; settled: Promise<void> };
  expect(number: number, count: number): void;
  acknowledge(number: number): void;
  giveUp(number: number): void;
  close(): void;
}

interface Wait {
  acknowledged: number;
  /** Unknown until the wire says how many listen; acknowledgements can be faster than that. */
  expected: number | undefined;
  settle(): void;
}

const settleMs = 250;

/** Counts the acknowledgements of messages under way; each wait ends after 250 ms at the latest. */
export function createSettling(log: Log): Settling {
  const waits = new Map<number, Wait>();
  const warn = createRareWarning(log);
  let lastNumber = 0;

  function settleIfComplete({ acknowledged, expected, settle }: Wait): void {
    if (expected !== undefined && acknowledged >= expected) settle();
  }

  return {
    open() {
      lastNumber += 1;
      const number = lastNumber;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(() => {
        const { acknowledged, expected } = wait;
        warn({ acknowledged, expected, settleMs }, 'Not every process acknowledged a message in time');
        wait.settle();
      }, settleMs);
      const wait: Wait = {
        acknowledged: 0,
        expected: undefined,
        settle() {
          clearTimeout(timer);
          waits.delete(number);
          resolve();
        },
      };
      waits.set(number, wait);
      return { number, settled: promise };
    },
    expect(number, count) {
      const wait = waits.get(number);
      if (wait === undefined) return;
      wait.expected = count;
      settleIfComplete(wait);
    },
    acknowledge(number) {
      const wait = waits.get(number);
      if (wait === undefined) return;
      wait.acknowledged += 1;
      settleIfComplete(wait);
    },
    giveUp(number) {
      waits.get(number)?.settle();
    },
    close() {
      for (const wait of waits.values()) wait.settle();
    },
  };
}
