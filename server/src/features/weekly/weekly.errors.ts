import type { FieldFault } from '@almanac/contract/errors.ts';
import { acceptedWeeks } from '#kernel/weeks.ts';
import { type AppError, validationFailed } from '#platform/errors/app-error.ts';

/** A week parameter that is none. */
export function unknownWeek(text: string): AppError {
  return validationFailed([
    { field: 'week', issue: `'${text.slice(0, 40)}' is not a week; it takes ${acceptedWeeks}` },
  ]);
}

/** Items that are wrong by themselves or beside each other; nothing of the call is written. */
export function wrongItems(faults: readonly [FieldFault, ...FieldFault[]]): AppError {
  return validationFailed(faults);
}
