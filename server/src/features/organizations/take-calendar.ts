import type { OrganizationTx } from '#platform/db/scopes.ts';
import type { OrganizationRun } from '#platform/jobs/define-job.ts';
import { tryLockCalendar } from './organizations.store.ts';

/** How a job waits until nobody holds a calendar. */
export interface CalendarWaiting {
  pause: (ms: number) => Promise<unknown>;
  /** 0 to below 1, for the jitter of waits. */
  random: () => number;
}

const [leastWaitMs, mostWaitMs] = [100, 500];

/**
 * Works in a transaction that keeps others from holding the organization's calendar. While somebody holds it this waits
 * outside of any transaction, so that nobody waits behind it and it has no connection meanwhile.
 */
export async function takeCalendar<T>(
  run: Pick<OrganizationRun, 'inOrganization' | 'signal'>,
  work: (tx: OrganizationTx) => Promise<T>,
  { pause, random }: CalendarWaiting,
): Promise<T> {
  for (;;) {
    run.signal.throwIfAborted();
    const done = await run.inOrganization(async (tx) =>
      (await tryLockCalendar(tx)) ? { result: await work(tx) } : undefined,
    );
    if (done) return done.result;
    await pause(leastWaitMs + random() * (mostWaitMs - leastWaitMs));
  }
}
