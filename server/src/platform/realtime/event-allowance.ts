interface AllowanceOptions {
  perSecond: number;
  burst: number;
  now: () => Date;
}

/** Makes a count of how many events may still come: a burst at once, then so many a second. Taking one answers if it may. */
export function createAllowance({ perSecond, burst, now }: AllowanceOptions): () => boolean {
  let left = burst;
  let at = now().getTime();
  return () => {
    const time = now().getTime();
    left = Math.min(burst, left + (Math.max(0, time - at) / 1_000) * perSecond);
    at = time;
    if (left < 1) return false;
    left -= 1;
    return true;
  };
}
