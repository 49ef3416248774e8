import type { Log } from '#platform/log/log.ts';

const onceEveryMs = 60_000;

/** Makes a warning that is written at most once a minute, so that an outage does not flood the log. */
export function createRareWarning(log: Pick<Log, 'warn'>): (fields: object, message: string) => void {
  let lastAt = Number.NEGATIVE_INFINITY;
  return (fields, message) => {
    const at = performance.now();
    if (at - lastAt < onceEveryMs) return;
    lastAt = at;
    log.warn(fields, message);
  };
}
