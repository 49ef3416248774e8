import { isOutage, type OutboundProblem } from './outbound-problem.ts';
import type { OutboundAnswer } from './outbound-types.ts';
import { parseRetryAfter } from './retry-after.ts';

/** How one attempt ended. */
export type Outcome = { answer: OutboundAnswer } | { problem: OutboundProblem };

interface RepeatQuestion {
  outcome: Outcome;
  retriesLeft: number;
  isRepeatable: boolean;
  /** A Retry-After was already waited for in this call. */
  hasWaited: boolean;
  remainingMs: number;
  jitterMs: number;
  now: Date;
}

/** What to do after an attempt: the delay before the next one, and whether the other side asked for it. */
export interface Repeat {
  delayMs: number;
  isAskedFor: boolean;
}

/**
 * Decides whether an attempt is repeated; undefined ends the call. A 429 or 503 with Retry-After is waited for once when
 * that fits the time left; a 429 for any method, because it says that nothing was done. Outages and other 5xx are
 * repeated with jitter when that is safe; 501 will not change by asking again.
 */
export function decideRepeat(question: RepeatQuestion): Repeat | undefined {
  const { outcome, jitterMs, remainingMs } = question;
  if (question.retriesLeft <= 0) return undefined;
  const askedMs = 'answer' in outcome ? askedDelay(outcome.answer, question.now) : undefined;
  if (askedMs !== undefined && 'answer' in outcome) {
    const mayWait = !question.hasWaited && (outcome.answer.status === 429 || question.isRepeatable);
    const delayMs = Math.max(askedMs, jitterMs);
    return mayWait && delayMs < remainingMs ? { delayMs, isAskedFor: true } : undefined;
  }
  const isWorthwhile = 'problem' in outcome ? isOutage(outcome.problem) : isServerFault(outcome.answer.status);
  return question.isRepeatable && isWorthwhile && jitterMs < remainingMs
    ? { delayMs: jitterMs, isAskedFor: false }
    : undefined;
}

function askedDelay(answer: OutboundAnswer, now: Date): number | undefined {
  const isAsking = answer.status === 429 || answer.status === 503;
  return isAsking ? parseRetryAfter(answer.headers['retry-after'], now) : undefined;
}

function isServerFault(status: number): boolean {
  return status >= 500 && status !== 501;
}
