import { setImmediate } from 'node:timers/promises';

/** Lets callers through, some at a time, with a turn for other work in between: where hundreds wait for the same thing. */
export function createPace(perTurn = 50): () => Promise<void> {
  let passed = 0;
  let gate = Promise.resolve();
  return () => {
    passed += 1;
    if (passed % perTurn === 0) gate = gate.then(() => setImmediate());
    return gate;
  };
}
