import { AppError } from '#platform/errors/app-error.ts';

/** A token that does not verify; never falls back to anonymous access. */
export function invalidToken(why: string): AppError {
  return new AppError({
    code: 'INVALID_TOKEN',
    message: `The access token ${why}. Get a new one where this one comes from.`,
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  });
}

/** A token that may be right, but whose issuer does not say so at the moment. */
export function issuerUnavailable(issuer: string, retryAfterSeconds: number): AppError {
  return new AppError({
    code: 'ISSUER_UNAVAILABLE',
    message: `The keys of ${issuer} cannot be had at the moment, so its token cannot be verified. Try again soon.`,
    retryAfterSeconds,
  });
}
