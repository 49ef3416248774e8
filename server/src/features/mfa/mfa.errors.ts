import { AppError, conflict, validationFailed } from '#platform/errors/app-error.ts';

export function alreadyOn(): AppError {
  return conflict(
    'The second factor is on already. To set up another one, turn it off first at POST /auth/mfa/disable.',
  );
}

export function notSetUp(): AppError {
  return conflict('No second factor is being set up. Begin at POST /auth/mfa/setup.');
}

export function notOn(): AppError {
  return conflict('The second factor is not on.');
}

export function wrongSetupCode(): AppError {
  const issue = 'is not the six digits that the authenticator shows now; see that the clock of its device is right';
  return validationFailed([{ field: 'code', issue }]);
}

/** The same words whichever of the two is wrong. */
export function wrongPasswordOrCode(): AppError {
  return new AppError({
    code: 'INVALID_CREDENTIALS',
    message: 'The password or the code is wrong, or the code was used before. Wait for the next one and try again.',
  });
}
