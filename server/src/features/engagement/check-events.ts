import type { ActivityEvent } from '@almanac/contract/engagement.ts';
import type { FieldFault } from '@almanac/contract/errors.ts';
import { newId } from '#kernel/ids.ts';
import { readTime } from '#kernel/read-time.ts';

/** How far a sender's clock may be ahead of ours. */
const clockSkewMs = 5 * 60_000;
/** How long activity is kept, and how old it may be when it comes. */
export const keptDays = 90;
const keptMs = keptDays * 86_400_000;
const mostMetadataLength = 10_000;

/** From when on activity is kept. */
export function startOfKeptActivity(now: Date): Date {
  return new Date(now.getTime() - keptMs);
}

/** An event as it is stored. */
export interface EventRecord {
  readonly id: string;
  readonly user_id: string;
  readonly activity_type: string;
  readonly session_id: string | null;
  readonly duration_seconds: number | null;
  readonly metadata: object | null;
  /** RFC 3339 in UTC. */
  readonly created_at: string;
}

/** Events of a call, whole, and what is wrong with them. */
export interface CheckedEvents {
  readonly events: readonly EventRecord[];
  readonly faults: readonly FieldFault[];
}

/** Fills in what was left out, and checks what a schema cannot: times and sizes. */
export function checkEvents(
  sent: readonly ActivityEvent[],
  { callerId, nowMs }: { callerId: string; nowMs: number },
): CheckedEvents {
  const faults: FieldFault[] = [];
  const events = sent.map((event, index): EventRecord => {
    const { id = newId(), user_id = callerId, activity_type, session_id, duration_seconds, metadata } = event;
    const time = event.created_at === undefined ? new Date(nowMs) : readTime(event.created_at);
    const place = `events[${index}]`;
    if (!time || time.getTime() > nowMs + clockSkewMs || time.getTime() < nowMs - keptMs) {
      const issue = `'${event.created_at}' is not a time from ${keptDays} days ago to now`;
      faults.push({ field: `${place}.created_at`, issue, index });
    }
    if (metadata && JSON.stringify(metadata).length > mostMetadataLength) {
      faults.push({ field: `${place}.metadata`, issue: `is longer than ${mostMetadataLength} characters`, index });
    }
    return {
      id: id.toLowerCase(),
      user_id: user_id.toLowerCase(),
      activity_type,
      session_id: session_id ?? null,
      duration_seconds: duration_seconds ?? null,
      metadata: metadata ?? null,
      created_at: (time ?? new Date(nowMs)).toISOString(),
    };
  });
  return { events, faults };
}
