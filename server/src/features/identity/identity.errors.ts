import { AppError, conflict } from '#platform/errors/app-error.ts';

/** The same words for an unknown address and a wrong password, so that nobody learns who has an account. */
export function invalidCredentials(): AppError {
  return new AppError({
    code: 'INVALID_CREDENTIALS',
    message: 'The e-mail address and password do not belong together.',
  });
}

/** Credentials that do not verify; never falls back to anonymous access. */
export function invalidToken(why: string): AppError {
  return new AppError({
    code: 'INVALID_TOKEN',
    message: `The access token ${why}. Sign in again, or exchange the refresh token at POST /auth/refresh.`,
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  });
}

export function invalidRefreshToken(): AppError {
  return new AppError({
    code: 'INVALID_TOKEN',
    message: 'The refresh token is unknown, used or expired. Sign in again.',
  });
}

export function emailTaken(email: string): AppError {
  return conflict(`There is an account for '${email}' already. Sign in at POST /auth/login.`);
}

export function setupTokenNeeded(): AppError {
  return new AppError({
    code: 'FORBIDDEN',
    message: 'The first account needs the field setup_token: its value was printed when the server started.',
  });
}

export function tooManyLogins(retryAfterSeconds: number): AppError {
  const wait = Math.ceil(retryAfterSeconds);
  return new AppError({
    code: 'RATE_LIMITED',
    message: `Too many attempts from this address. Go on in ${wait} s.`,
    retryAfterSeconds: wait,
  });
}
