import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
} from 'cockatiel';
import { LRUCache } from 'lru-cache';
import { isOutage, OutboundProblem } from './outbound-problem.ts';
import type { OutboundAnswer } from './outbound-types.ts';

const failuresToOpen = 5;
const halfOpenAfterMs = 30_000;
// Webhook addresses are free text, so the number of circuits is bounded; the forgotten ones start closed.
const maxCircuits = 1_000;

interface Circuit {
  service: string;
  origin: string;
}

/** The circuit breakers of a client, one for each service and origin. */
export interface Circuits {
  /** Runs one exchange under its breaker; throws `circuit_open` without running it while that is open. */
  run(circuit: Circuit, work: () => Promise<OutboundAnswer>): Promise<OutboundAnswer>;
  isOpen(circuit: Circuit): boolean;
}

/**
 * Makes breakers that open after five consecutive outages or 5xx answers and let one trial call through after thirty
 * seconds. What is our own doing (aborted, too large, blocked) opens none; as the outcome of a trial it closes the circuit.
 */
export function createCircuits(onOpen: (circuit: Circuit) => void): Circuits {
  const breakers = new LRUCache<string, CircuitBreakerPolicy>({ max: maxCircuits });
  const key = ({ service, origin }: Circuit) => `${service} ${origin}`;

  function getBreaker(circuit: Circuit): CircuitBreakerPolicy {
    const existing = breakers.get(key(circuit));
    if (existing) return existing;
    const failures = handleWhen(isOutage).orWhenResult((answer) => (answer as OutboundAnswer).status >= 500);
    const options = { halfOpenAfter: halfOpenAfterMs, breaker: new ConsecutiveBreaker(failuresToOpen) };
    const breaker = circuitBreaker(failures, options);
    breaker.onBreak(() => onOpen(circuit));
    breakers.set(key(circuit), breaker);
    return breaker;
  }

  return {
    isOpen: (circuit) => breakers.peek(key(circuit))?.state === CircuitState.Open,
    async run(circuit, work) {
      try {
        return await getBreaker(circuit).execute(work);
      } catch (fault) {
        if (fault instanceof BrokenCircuitError) throw circuitOpen(circuit.origin);
        throw fault;
      }
    },
  };
}

function circuitOpen(origin: string): OutboundProblem {
  return new OutboundProblem({
    kind: 'circuit_open',
    message: `${origin} failed ${failuresToOpen} times in a row; it is left alone for up to ${halfOpenAfterMs / 1000} seconds.`,
  });
}
