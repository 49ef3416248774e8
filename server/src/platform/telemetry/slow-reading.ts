import type { Log } from '#platform/log/log.ts';

type Depths = Readonly<Record<string, number>>;

interface SlowReadingOptions {
  read: () => Promise<Depths>;
  now: () => Date;
  log: Log | undefined;
}

const freshMs = 5_000;
const patienceMs = 1_000;

/**
 * Makes a reading that costs a query fit for being asked by anyone: one query at a time, its result kept for five seconds,
 * at most one second of waiting. When it is late or fails, the last result stands in for up to a minute, then none.
 */
export function createSlowReading({ read, now, log }: SlowReadingOptions): () => Promise<Depths> {
  let last: Depths = {};
  let lastAt = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | undefined;

  async function refresh(): Promise<void> {
    try {
      last = await read();
      lastAt = now().getTime();
    } catch (fault) {
      log?.warn({ err: fault }, 'a reading for the metrics failed');
    } finally {
      underWay = undefined;
    }
  }

  return async () => {
    if (now().getTime() - lastAt < freshMs) return last;
    underWay ??= refresh();
    await waitAtMost(underWay, patienceMs);
    return now().getTime() - lastAt < 60_000 ? last : {};
  };
}

async function waitAtMost(work: Promise<void>, patienceMs: number): Promise<void> {
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, patienceMs);
  try {
    await Promise.race([work, enough]);
  } finally {
    clearTimeout(timer);
  }
}
