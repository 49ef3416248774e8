import { OutboundProblem } from './outbound-problem.ts';
import type { OutboundTimers } from './outbound-types.ts';

interface CallSignalOptions {
  origin: string;
  timeoutMs: number;
  timers: OutboundTimers;
  /** The caller's own signal. */
  callerSignal: AbortSignal | undefined;
  /** Aborted when the client closes. */
  closeSignal: AbortSignal;
}

/** One signal for all that ends a call early; its reason is the problem to fail with. `release` unhooks it. */
export function openCallSignal(options: CallSignalOptions): { signal: AbortSignal; release: () => void } {
  const { origin, timeoutMs, callerSignal, closeSignal } = options;
  const controller = new AbortController();
  const abort = (kind: OutboundProblem['kind'], message: string) =>
    controller.abort(new OutboundProblem({ kind, message }));
  const onTimeout = () => abort('timeout', `${origin} did not answer within ${timeoutMs} ms.`);
  const onAbort = () => abort('aborted', `The call to ${origin} was given up by its caller.`);
  const onClose = () => abort('aborted', `The call to ${origin} was given up because the server stops.`);

  const cancelTimeout = options.timers.after(timeoutMs, onTimeout);
  callerSignal?.addEventListener('abort', onAbort);
  closeSignal.addEventListener('abort', onClose);
  if (callerSignal?.aborted) onAbort();
  if (closeSignal.aborted) onClose();

  const release = () => {
    cancelTimeout();
    callerSignal?.removeEventListener('abort', onAbort);
    closeSignal.removeEventListener('abort', onClose);
  };
  return { signal: controller.signal, release };
}
