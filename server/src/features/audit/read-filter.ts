import { readInstant } from '#kernel/read-time.ts';
import { validationFailed } from '#platform/errors/app-error.ts';
import type { EntryFilter } from './audit.views.ts';

interface SentFilter {
  from?: string;
  to?: string;
  actor?: string;
  action?: string;
}

/** The filter that a query asks for. Throws VALIDATION_ERROR where it ends before it begins. */
export function readFilter({ from: sentFrom, to: sentTo, actor, action }: SentFilter): EntryFilter {
  const from = readBound('from', sentFrom);
  const to = readBound('to', sentTo);
  if (from && to && from > to) {
    throw validationFailed([{ field: 'from', issue: `'${sentFrom}' is after to, '${sentTo}': swap them` }]);
  }
  return { from, to, actor, action };
}

const lastMs = Date.UTC(9999, 11, 31);

/**
 * A bound as the database takes it. Entries are of whole milliseconds, so a finer bound excludes the same as the next
 * one; and there are none before 1970 or after 9999, where the database's calendar is spelled in another way.
 */
function readBound(field: 'from' | 'to', sent: string | undefined): Date | undefined {
  if (sent === undefined) return undefined;
  const instant = readInstant(sent)?.round({ smallestUnit: 'millisecond', roundingMode: 'ceil' });
  if (!instant) throw validationFailed([{ field, issue: `'${sent}' is no time, such as 2024-12-16T09:30:00Z` }]);
  return new Date(Math.min(Math.max(instant.epochMilliseconds, 0), lastMs));
}
