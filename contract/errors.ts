/**
 * Every error code that a client of Almanac can meet, with the HTTP status it travels under and when it is used.
 * The table is closed: the server throws no other code, and the documentation lists exactly these.
 */
export const errorCodes = {
  VALIDATION_ERROR: { status: 400, meaning: 'A parameter, header or body field is wrong; `details` names each one.' },
  MALFORMED_BODY: { status: 400, meaning: 'The body is not valid JSON.' },
  UNAUTHENTICATED: { status: 401, meaning: 'No credentials, and this needs some.' },
  INVALID_TOKEN: { status: 401, meaning: 'The credentials given do not verify, have expired or were revoked.' },
  INVALID_CREDENTIALS: { status: 401, meaning: 'The e-mail address, password or code is wrong.' },
  MFA_REQUIRED: {
    status: 401,
    meaning: 'The password is right and a code is needed too: send it with `mfa_token` to POST /auth/login/mfa.',
  },
  FORBIDDEN: { status: 403, meaning: 'Your role, or the scopes of the API key, do not allow this.' },
  MFA_SETUP_REQUIRED: {
    status: 403,
    meaning: 'The organization asks its members for a second factor, and this account has none yet.',
  },
  TIER_LIMIT: {
    status: 403,
    meaning: 'The subscription tier of the organization does not include this, or no more of it.',
  },
  ORIGIN_NOT_ALLOWED: {
    status: 403,
    meaning: 'A cookie-borne change came from a page that is not allowed to make it.',
  },
  NOT_FOUND: { status: 404, meaning: 'It does not exist, or belongs to another organization.' },
  METHOD_NOT_ALLOWED: { status: 405, meaning: 'The path exists, the method does not; see the Allow header.' },
  NOT_ACCEPTABLE: { status: 406, meaning: 'None of the media types in Accept can be produced.' },
  REQUEST_TIMEOUT: { status: 408, meaning: 'The request did not arrive whole in the time given.' },
  CONFLICT: { status: 409, meaning: 'It collides with what is already there.' },
  IN_PROGRESS: { status: 409, meaning: 'The same call is still running; try again when it has ended.' },
  BODY_TOO_LARGE: { status: 413, meaning: 'The body is larger than this route takes.' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, meaning: 'The Content-Type of the body is not one this route reads.' },
  HOST_NOT_ALLOWED: { status: 421, meaning: 'A server bound to loopback was addressed under a foreign host name.' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, meaning: 'The Idempotency-Key was used before with another body.' },
  RATE_LIMITED: { status: 429, meaning: 'Too many calls; Retry-After says when to go on.' },
  HEADERS_TOO_LARGE: { status: 431, meaning: 'The request headers are larger than the server reads.' },
  INTERNAL_ERROR: { status: 500, meaning: 'A fault of ours; the request_id finds it in the log.' },
  DATABASE_UNAVAILABLE: {
    status: 503,
    meaning: 'The database does not answer at the moment; Retry-After says when to try again.',
  },
  ISSUER_UNAVAILABLE: {
    status: 503,
    meaning:
      'The issuer of the token does not answer, so the token cannot be verified; Retry-After says when to try again.',
  },
  SHUTTING_DOWN: {
    status: 503,
    meaning: 'This process is stopping; another one, or the same one restarted, will answer.',
  },
  OVERLOADED: { status: 503, meaning: 'The server sheds load; Retry-After says when to try again.' },
} as const;

/** One of the closed set of error codes. */
export type ErrorCode = keyof typeof errorCodes;

/** One wrong field: its path in the input (`items[3].kind`), what is wrong and, in a batch, the index of the element. */
export interface FieldFault {
  field: string;
  issue: string;
  index?: number;
}
