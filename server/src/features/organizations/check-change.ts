import type { FieldFault } from '@almanac/contract/errors.ts';
import { validationFailed } from '#platform/errors/app-error.ts';
import { quote } from '#platform/http/quote.ts';

/** What of an organization its settings do not change, and where it is changed. */
const changedElsewhere: Readonly<Record<string, string>> = {
  subscription_tier: 'change it at POST /users/upgrade',
  role: 'change it at PUT /api/organizations/:id/members/:user_id',
};

type Sendable = Readonly<Record<string, string | number | boolean>>;

/**
 * Takes what a client read and sends back, and throws VALIDATION_ERROR for what it means to change but cannot here: a
 * change that is silently ignored would look done.
 */
export function refuseOtherChanges(current: Sendable, sent: Partial<Sendable>): void {
  const faults = Object.entries(sent).flatMap(([field, value]): FieldFault[] => {
    const known = current[field];
    if (value === undefined || known === undefined || isSame(value, known)) return [];
    const hint = changedElsewhere[field] ?? 'it cannot be changed';
    return [{ field, issue: `${quote(value)} is not what it is, ${quote(known)}; ${hint}` }];
  });
  const [first, ...rest] = faults;
  if (first) throw validationFailed([first, ...rest]);
}

/** Ids in any case and times in any form are the same. */
function isSame(sent: string | number | boolean, known: string | number | boolean): boolean {
  if (sent === known) return true;
  if (typeof sent !== 'string' || typeof known !== 'string') return false;
  if (sent.toLowerCase() === known.toLowerCase()) return true;
  return /^\d{4}-\d\d-\d\dT/.test(known) && Date.parse(sent) === Date.parse(known);
}
