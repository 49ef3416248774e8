/**
 * Tells what was computed before an invalidation from what was computed after it. One counter serves all scopes: a
 * computation notes it when it begins, an invalidation raises it and notes the new value for its scope.
 */
export interface Generations {
  /** To be noted before the first read of a computation. */
  current(): number;
  /** Whether nothing has invalidated the scope since `begun` was noted. */
  isCurrent(scope: string, begun: number): boolean;
  raise(scope: string): void;
  raiseAll(): void;
}

const defaultMaxScopes = 20_000;

/** Starts counting. Beyond `maxScopes` the oldest invalidation is forgotten by widening it to all scopes. */
export function createGenerations(maxScopes = defaultMaxScopes): Generations {
  const raisedAt = new Map<string, number>();
  let last = 0;
  let floor = 0;

  return {
    current: () => last,
    isCurrent: (scope, begun) => begun >= floor && begun >= (raisedAt.get(scope) ?? 0),
    raise(scope) {
      last += 1;
      // Deleted first, so that the map stays in the order of invalidation.
      raisedAt.delete(scope);
      raisedAt.set(scope, last);
      if (raisedAt.size <= maxScopes) return;
      const oldest = raisedAt.entries().next().value;
      if (oldest === undefined) return;
      raisedAt.delete(oldest[0]);
      floor = oldest[1];
    },
    raiseAll() {
      last += 1;
      floor = last;
      raisedAt.clear();
    },
  };
}
