import { AppError, conflict, validationFailed } from '#platform/errors/app-error.ts';
import type { MailedPurpose } from './identity.tables.ts';

/** The same words for an unknown address and a wrong password, so that nobody learns who has an account. */
export function invalidCredentials(): AppError {
  return new AppError({
    code: 'INVALID_CREDENTIALS',
    message: 'The e-mail address and password do not belong together.',
  });
}

export function wrongCode(): AppError {
  return new AppError({
    code: 'INVALID_CREDENTIALS',
    message: 'The code is wrong, used or too old. Take the newest of the authenticator, or a recovery code.',
  });
}

export function wrongPassword(): AppError {
  return new AppError({ code: 'INVALID_CREDENTIALS', message: 'The current password is wrong.' });
}

export function mfaRequired(mfaToken: string): AppError {
  return new AppError({
    code: 'MFA_REQUIRED',
    message: 'A code of the second factor is needed: send it with this mfa_token to POST /auth/login/mfa.',
    details: { mfa_token: mfaToken },
  });
}

export function invalidMfaToken(): AppError {
  return new AppError({
    code: 'INVALID_TOKEN',
    message: 'The mfa_token does not verify or has expired. Begin again at POST /auth/login.',
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

export function invalidApiKey(): AppError {
  return new AppError({ code: 'INVALID_TOKEN', message: 'The API key is unknown, expired or was ended.' });
}

export function keyAsToken(): AppError {
  return new AppError({
    code: 'INVALID_TOKEN',
    message: 'Authorization holds an API key: send it as `X-API-Key: alm_…` instead.',
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  });
}

export function tokenAsKey(): AppError {
  return new AppError({
    code: 'INVALID_TOKEN',
    message: 'X-API-Key holds an access token: send it as `Authorization: Bearer …` instead.',
  });
}

export function twoCredentials(): AppError {
  return new AppError({
    code: 'INVALID_TOKEN',
    message: 'Both Authorization and X-API-Key were sent: send one of them.',
  });
}

export function invalidRefreshToken(): AppError {
  return new AppError({
    code: 'INVALID_TOKEN',
    message: 'The refresh token is unknown, used or expired. Sign in again.',
  });
}

const remedies = {
  reset_password: 'have a new one mailed at POST /auth/reset-password',
  verify_email: 'have a new one mailed at POST /auth/verify-email/resend',
} as const satisfies Record<MailedPurpose, string>;

export function invalidMailedToken(purpose: MailedPurpose): AppError {
  return validationFailed([{ field: 'token', issue: `is unknown, used or too old; ${remedies[purpose]}` }]);
}

export function emailTaken(email: string): AppError {
  return conflict(`There is an account for '${email}' already. Sign in at POST /auth/login.`);
}

export function noPasswordToChange(): AppError {
  return conflict('This account signs in elsewhere and has no password here.');
}

export function setupTokenNeeded(): AppError {
  return new AppError({
    code: 'FORBIDDEN',
    message: 'The first account needs the field setup_token: its value was printed when the server started.',
  });
}

export function alreadyVerified(email: string): AppError {
  return conflict(`The address '${email}' is confirmed already.`);
}

/** Of accounts from outside issuers, whose address is a stand-in. */
export function noAddressToVerify(): AppError {
  return conflict('This account signs in elsewhere and has no address here that mail reaches.');
}

export function tooManyMails(retryAfterSeconds: number): AppError {
  const minutes = Math.ceil(retryAfterSeconds / 60);
  return new AppError({
    code: 'RATE_LIMITED',
    message:
      'Enough mails to confirm this address have gone out lately: look among the unwanted ones, too, or try again in ' +
      `${minutes} min.`,
    retryAfterSeconds: Math.ceil(retryAfterSeconds),
  });
}

export function tooManyRequests(retryAfterSeconds: number): AppError {
  const wait = Math.ceil(retryAfterSeconds);
  return new AppError({
    code: 'RATE_LIMITED',
    message: `Too many requests of this kind from this address. Go on in ${wait} s.`,
    retryAfterSeconds: wait,
  });
}
