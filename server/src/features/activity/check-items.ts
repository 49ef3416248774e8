import type { FieldFault } from '@almanac/contract/errors.ts';
import type { ItemRecord } from './activity.store.ts';

/** How far a sender's clock may be ahead of ours. */
const clockSkewMs = 5 * 60_000;
const earliestMs = Date.UTC(1970, 0, 1);

/** The items of a call once each, and how many were repeated to the letter. */
export interface CheckedItems {
  readonly items: readonly ItemRecord[];
  readonly repeated: number;
  readonly faults: readonly FieldFault[];
}

/**
 * Checks what a schema cannot: times that are possible, reviews alone being resolved, and no external id standing for two
 * different items. An item that is repeated to the letter counts once.
 */
export function checkItems(items: readonly ItemRecord[], nowMs: number): CheckedItems {
  const first = new Map<string, { index: number; text: string }>();
  const kept: ItemRecord[] = [];
  const faults: FieldFault[] = [];
  for (const [index, item] of items.entries()) {
    faults.push(
      ...findTimeFaults(item, nowMs).map((fault) => ({ ...fault, field: `items[${index}].${fault.field}`, index })),
    );
    const earlier = item.external_id === null ? undefined : first.get(item.external_id);
    if (!earlier) {
      if (item.external_id !== null) first.set(item.external_id, { index, text: JSON.stringify(item) });
      kept.push(item);
    } else if (earlier.text !== JSON.stringify(item)) {
      const issue = `'${item.external_id}' stands for another item in items[${earlier.index}]; send each item once`;
      faults.push({ field: `items[${index}].external_id`, issue, index });
    }
  }
  return { items: kept, repeated: items.length - kept.length, faults };
}

function findTimeFaults({ kind, occurred_at, resolved_at }: ItemRecord, nowMs: number): FieldFault[] {
  const occurredMs = Date.parse(occurred_at);
  const faults: FieldFault[] = [];
  if (!(occurredMs >= earliestMs && occurredMs <= nowMs + clockSkewMs)) {
    faults.push({ field: 'occurred_at', issue: `'${occurred_at}' is not a time from 1970 to now` });
  }
  if (resolved_at === null) return faults;
  const resolvedMs = Date.parse(resolved_at);
  if (kind !== 'review')
    faults.push({ field: 'resolved_at', issue: `is taken for a review alone, and this is '${kind}'` });
  else if (!(resolvedMs >= occurredMs && resolvedMs <= nowMs + clockSkewMs)) {
    faults.push({ field: 'resolved_at', issue: `'${resolved_at}' is not a time from occurred_at to now` });
  }
  return faults;
}
