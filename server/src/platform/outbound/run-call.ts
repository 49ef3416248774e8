import { ExponentialBackoff } from 'cockatiel';
import type { Dispatcher } from 'undici';
import type { Log } from '#platform/log/log.ts';
import type { Circuits } from './circuits.ts';
import { decideRepeat, type Outcome } from './decide-repeat.ts';
import { exchange, untilAborted } from './exchange.ts';
import { type Hop, nextHop } from './next-hop.ts';
import { OutboundProblem } from './outbound-problem.ts';
import type { OutboundAnswer, OutboundRequest, OutboundTimers } from './outbound-types.ts';

const defaultRetries = 2;
const maxRedirects = 5;
const firstRetryDelayMs = 250;
const maxRetryDelayMs = 5_000;

/** One call while it runs. */
export interface Call {
  request: OutboundRequest;
  firstHop: Hop;
  /** Its reason is the OutboundProblem with which the call fails. */
  signal: AbortSignal;
  maxBytes: number;
  /** Milliseconds since the epoch. */
  deadline: number;
}

/** What the client lends to each of its calls. */
export interface CallPeers {
  dispatcher: Dispatcher;
  circuits: Circuits;
  log: Log;
  now: () => Date;
  timers: OutboundTimers;
}

/** Runs a call to its end: redirects followed, outages and asked-for waits repeated within retries and time. */
export async function runCall(call: Call, peers: CallPeers): Promise<Outcome> {
  const { request, firstHop, signal } = call;
  const { circuits, log, now, timers } = peers;
  const circuit = { service: request.service, origin: firstHop.url.origin };
  const isRepeatable = request.isSafeToRepeat ?? !['POST', 'PATCH'].includes(firstHop.method);
  let retriesLeft = request.retries ?? defaultRetries;
  let hasWaited = false;
  let backoff = new ExponentialBackoff({ initialDelay: firstRetryDelayMs, maxDelay: maxRetryDelayMs }).next();
  let outcome = await attempt(call, peers);
  while (!signal.aborted && !circuits.isOpen(circuit)) {
    const remainingMs = call.deadline - now().getTime();
    const jitterMs = Math.ceil(backoff.duration);
    const repeat = decideRepeat({ outcome, retriesLeft, isRepeatable, hasWaited, remainingMs, jitterMs, now: now() });
    if (repeat === undefined) break;
    log.debug({ ...circuit, delay_ms: repeat.delayMs, outcome: nameOutcome(outcome) }, 'outbound call repeated');
    const hasSlept = await sleep(repeat.delayMs, { timers, signal });
    if (!hasSlept) return { problem: signal.reason as OutboundProblem };
    retriesLeft -= 1;
    hasWaited ||= repeat.isAskedFor;
    backoff = backoff.next(undefined);
    outcome = await attempt(call, peers);
  }
  return outcome;
}

/** How an outcome is called in metrics and the log: `2xx` … `5xx`, or the kind of problem. */
export function nameOutcome(outcome: Outcome): string {
  return 'problem' in outcome ? outcome.problem.kind : `${Math.floor(outcome.answer.status / 100)}xx`;
}

async function attempt(call: Call, peers: CallPeers): Promise<Outcome> {
  try {
    return { answer: await followRedirects(call, peers) };
  } catch (fault) {
    if (fault instanceof OutboundProblem) return { problem: fault };
    throw fault;
  }
}

async function followRedirects(call: Call, { circuits, dispatcher }: CallPeers): Promise<OutboundAnswer> {
  const { request, firstHop, signal } = call;
  let hop = firstHop;
  for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
    const current = hop;
    const circuit = { service: request.service, origin: current.url.origin };
    // While a half-open circuit tries one call, the others wait for how it ends: that wait must be bounded as well.
    const answer = await untilAborted(
      circuits.run(circuit, () => exchange(dispatcher, current, call)),
      signal,
    );
    const next = nextHop(current, answer, request.secretHeaders ?? []);
    if (next === undefined) return answer;
    hop = next;
  }
  const message = `${firstHop.url.origin} redirected more than ${maxRedirects} times.`;
  throw new OutboundProblem({ kind: 'malformed_reply', message });
}

/** Waits; false when the signal came first. */
function sleep(delayMs: number, { timers, signal }: { timers: OutboundTimers; signal: AbortSignal }): Promise<boolean> {
  return new Promise((resolve) => {
    const onAbort = () => {
      cancel();
      resolve(false);
    };
    const cancel = timers.after(delayMs, () => {
      signal.removeEventListener('abort', onAbort);
      resolve(true);
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
