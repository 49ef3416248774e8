import { type IdempotentCall, runOnce } from './idempotency.ts';
import type { InstanceTx } from './scopes.ts';

interface InstanceCall {
  /** The organization that the caller acts in: the answer is kept there. */
  readonly organizationId: string;
  /** Absent where the call carries no Idempotency-Key. */
  readonly once: IdempotentCall | undefined;
}

/** Runs work on accounts and organizations, once for the call's Idempotency-Key where it has one. */
export function runOnceInInstance<T>(
  { db }: InstanceTx,
  { organizationId, once }: InstanceCall,
  work: () => Promise<T>,
): Promise<T> {
  return once ? runOnce({ db, organizationId }, once, work) : work();
}
