import type { LogEvent } from 'kysely';

/** A statement that took long, with its literals, as it was sent; its parameters are no part of it. */
export interface SlowStatement {
  readonly statement: string;
  readonly calls: number;
  readonly totalMs: number;
  readonly maxMs: number;
  /** The calls that took longer than `verySlowMs`. */
  readonly verySlowCalls: number;
}

/** Keeps the statements that took long until somebody takes them. */
export interface SlowStatements {
  /** Told of each statement that ended, well or not. */
  note(event: Pick<LogEvent, 'queryDurationMillis'> & { query: Pick<LogEvent['query'], 'sql'> }): void;
  /** The statements since this was last called. */
  take(): SlowStatement[];
}

const slowMs = 500;
/** What the alert of slow queries counts. */
const verySlowMs = 5_000;
/** Different texts that are kept; of further ones only the count of calls, under a name of their own. */
const mostTexts = 100;
/** What names a statement stands near its beginning. */
const mostCharacters = 10_000;

/** Makes an empty record of slow statements; a statement that was quick costs one comparison. */
export function createSlowStatements(): SlowStatements {
  let byText = new Map<string, SlowStatement>();
  return {
    note: ({ query, queryDurationMillis: ms }) => {
      if (ms < slowMs) return;
      const text = query.sql.slice(0, mostCharacters);
      const statement = byText.has(text) || byText.size < mostTexts ? text : 'other statements';
      const known = byText.get(statement) ?? { statement, calls: 0, totalMs: 0, maxMs: 0, verySlowCalls: 0 };
      byText.set(statement, {
        statement,
        calls: known.calls + 1,
        totalMs: known.totalMs + ms,
        maxMs: Math.max(known.maxMs, ms),
        verySlowCalls: known.verySlowCalls + (ms > verySlowMs ? 1 : 0),
      });
    },
    take: () => {
      const taken = [...byText.values()];
      byText = new Map();
      return taken;
    },
  };
}
