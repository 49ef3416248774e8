import type { FieldFault } from '@almanac/contract/errors.ts';
import { validationFailed } from '../errors/app-error.ts';
import { quote } from './quote.ts';

type Value = string | number | boolean | null;
type Sendable = Readonly<Record<string, Value>>;

interface Sent {
  /** What holds, as the client can have read it. */
  current: Sendable;
  sent: Readonly<Record<string, Value | undefined>>;
  /** Where a field is changed that is not changed here. */
  changedElsewhere: Readonly<Record<string, string>>;
}

/**
 * Takes what a client read and sends back, and throws VALIDATION_ERROR for what it means to change but cannot here: a
 * change that is silently ignored would look done.
 */
export function refuseOtherChanges({ current, sent, changedElsewhere }: Sent): void {
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
function isSame(sent: Value, known: Value): boolean {
  if (sent === known) return true;
  if (typeof sent !== 'string' || typeof known !== 'string') return false;
  if (sent.toLowerCase() === known.toLowerCase()) return true;
  return /^\d{4}-\d\d-\d\dT/.test(known) && Date.parse(sent) === Date.parse(known);
}
