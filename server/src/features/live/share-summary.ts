import type { DashboardSummary } from '@almanac/contract/dashboard.ts';
import { LRUCache } from 'lru-cache';

/** The summary of an organization that counts all that came up to an event of its feed. */
export type ReadSummary = (organizationId: string, eventId: number) => Promise<DashboardSummary>;

const mostOrganizations = 500;

/**
 * Has a summary made once for an event, however many connections are to be sent it. It goes past the caches: where another
 * process made the change, its word to the cache of this one may come after the event, and nothing would correct what was
 * sent in between.
 */
export function shareSummary(summarize: (organizationId: string) => Promise<DashboardSummary>): ReadSummary {
  const latest = new LRUCache<string, { eventId: number; summary: Promise<DashboardSummary> }>({
    max: mostOrganizations,
  });
  return (organizationId, eventId) => {
    const known = latest.get(organizationId);
    if (known && known.eventId >= eventId) return known.summary;
    const made = { eventId, summary: summarize(organizationId) };
    latest.set(organizationId, made);
    made.summary.catch(() => {
      if (latest.peek(organizationId) === made) latest.delete(organizationId);
    });
    return made.summary;
  };
}
