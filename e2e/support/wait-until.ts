import { setTimeout as pause } from 'node:timers/promises';

/**
 * Looks again and again until there is something to see, and answers it; what `look` throws counts as nothing yet.
 * Throws when that takes longer than the deadline.
 */
export async function waitUntil<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  deadlineMs = 5_000,
): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  let lastError: unknown;
  while (performance.now() < deadline) {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    await pause(25);
  }
  throw new Error(`Not within ${deadlineMs} ms: ${what}`, { cause: lastError });
}
