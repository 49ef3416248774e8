import { type AppError, conflict, validationFailed } from '#platform/errors/app-error.ts';
import { quote } from '#platform/http/quote.ts';

export function emptyName(): AppError {
  return validationFailed([{ field: 'name', issue: 'is empty' }]);
}

export function nameOfSeveralLines(): AppError {
  return validationFailed([{ field: 'name', issue: 'contains control characters; it takes one line of text' }]);
}

export function unknownTimeZone(timezone: string): AppError {
  const issue = `${quote(timezone)} is not a time zone of the IANA database, such as Europe/London`;
  return validationFailed([{ field: 'timezone', issue }]);
}

export function calendarInUse(): AppError {
  return conflict('So much is being written in this organization that its calendar cannot change now. Try again soon.');
}

export function tooManyOwned(most: number): AppError {
  return conflict(
    `You own ${most} organizations, which is as many as one can. Leave one, or hand it to somebody else.`,
  );
}

export function ownSecondFactorNeeded(): AppError {
  return conflict(
    'You have no second factor yourself, and asking everybody for one would lock you out. Set one up at POST /auth/mfa/setup.',
  );
}
