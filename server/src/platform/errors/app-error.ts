import { type ErrorCode, errorCodes, type FieldFault } from '@almanac/contract/errors.ts';

interface AppErrorOptions {
  code: ErrorCode;
  message: string;
  faults?: readonly FieldFault[];
  /** What the caller needs to go on; it travels in the error's details. */
  details?: Readonly<Record<string, string | number>>;
  /** Seconds for the Retry-After header. */
  retryAfterSeconds?: number;
  headers?: Readonly<Record<string, string>>;
  cause?: unknown;
}

/**
 * The one error type of the product: anything thrown on purpose is one of these, and `platform/http` turns it into an
 * answer in one place. The message is for the caller: product words, what was sent, what to do.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly faults: readonly FieldFault[];
  readonly details: Readonly<Record<string, string | number>>;
  readonly retryAfterSeconds: number | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(options: AppErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.status = errorCodes[options.code].status;
    this.faults = options.faults ?? [];
    this.details = options.details ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.headers = options.headers ?? {};
  }
}

/** A wrong input: the first fault leads the message, all of them travel in the details. */
export function validationFailed(faults: readonly [FieldFault, ...FieldFault[]]): AppError {
  const [first] = faults;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  const message = `${first.field}: ${first.issue}${more}`;
  return new AppError({ code: 'VALIDATION_ERROR', message, faults });
}

/** Something that is not there, or is another organization's: the two are told alike on purpose. */
export function notFound(what: string, id: string): AppError {
  return new AppError({ code: 'NOT_FOUND', message: `There is no ${what} '${id}' here.` });
}

/** A state that the request collides with. */
export function conflict(message: string): AppError {
  return new AppError({ code: 'CONFLICT', message });
}

/** The database cannot be reached or is starting; the caller should come back. */
export function databaseUnavailable(cause: unknown): AppError {
  return new AppError({
    code: 'DATABASE_UNAVAILABLE',
    message: 'The database does not answer at the moment. Try again in a second.',
    retryAfterSeconds: 1,
    cause,
  });
}
