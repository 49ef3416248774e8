import { makeContext } from '#connectors/kit/conformance.ts';
import type { ActivityBatch, ActivityRecord, JsonValue } from '#connectors/kit/connector.ts';
import { readHistoryBatches } from './read-history.ts';

interface HistoryReading {
  batches: ActivityBatch[];
  items: ActivityRecord[];
  removed: string[];
  /** Where the next read goes on. */
  cursor: JsonValue | undefined;
  /** What was logged. */
  lines: string[];
}

/** Reads a history to its end, all at once: for tests. */
export async function readWholeHistory(folder: string, cursor?: JsonValue): Promise<HistoryReading> {
  const { context, lines } = makeContext();
  const batches = await Array.fromAsync(readHistoryBatches({ ...context, folder, cursor }));
  const items = batches.flatMap((batch) => batch.items);
  const removed = batches.flatMap((batch) => batch.removed);
  return { batches, items, removed, cursor: batches.at(-1)?.cursor ?? cursor, lines };
}
