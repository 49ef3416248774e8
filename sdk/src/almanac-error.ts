import type { ErrorCode, FieldFault } from '@almanac/contract/errors.ts';

/** `UNEXPECTED_ANSWER`: something other than Almanac answered, such as a proxy in between. */
type AnsweredCode = ErrorCode | 'UNEXPECTED_ANSWER';

interface AlmanacErrorOptions {
  status: number;
  code: AnsweredCode;
  message: string;
  faults: readonly FieldFault[];
  requestId: string | undefined;
  retryAfterSeconds: number | undefined;
  details: Readonly<Record<string, unknown>>;
}

/** What the server answered instead of success. */
export class AlmanacError extends Error {
  override readonly name = 'AlmanacError';
  /** The HTTP status; 0 where a socket was refused. */
  readonly status: number;
  readonly code: AnsweredCode;
  /** Every wrong field, where the input was. */
  readonly faults: readonly FieldFault[];
  /** Finds the line in the server's log. */
  readonly requestId: string | undefined;
  /** When the same call may be made again, where the server says so. */
  readonly retryAfterSeconds: number | undefined;
  /** What else is told: with MFA_REQUIRED the `mfa_token` for the second step. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(options: AlmanacErrorOptions) {
    super(options.message);
    this.status = options.status;
    this.code = options.code;
    this.faults = options.faults;
    this.requestId = options.requestId;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.details = options.details;
  }
}

interface ErrorBody {
  code?: ErrorCode;
  message?: string;
  details?: { errors?: readonly FieldFault[]; [name: string]: unknown };
  request_id?: string;
}

/** Reads the error of an answer in either envelope; what is in none becomes an `UNEXPECTED_ANSWER`. */
export async function readError(answer: Response): Promise<AlmanacError> {
  const body = parseBody(await answer.text());
  const retryAfter = answer.headers.get('retry-after');
  return new AlmanacError({
    status: answer.status,
    code: body.code ?? 'UNEXPECTED_ANSWER',
    message: body.message ?? `The server answered ${answer.status} in a form that is not Almanac's.`,
    faults: body.details?.errors ?? [],
    requestId: body.request_id,
    retryAfterSeconds: retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) : undefined,
    details: body.details ?? {},
  });
}

/** Reads why a socket was refused; undefined for a fault of the network. */
export function readRefusal(fault: unknown): AlmanacError | undefined {
  const { message, data } = fault as { message?: string; data?: { code?: ErrorCode } };
  if (data?.code === undefined) return undefined;
  return new AlmanacError({
    status: 0,
    code: data.code,
    message: message ?? 'The connection was refused.',
    faults: [],
    requestId: undefined,
    retryAfterSeconds: undefined,
    details: {},
  });
}

function parseBody(text: string): ErrorBody {
  try {
    const body = JSON.parse(text) as { error?: ErrorBody | string } | null;
    if (typeof body?.error === 'string') return { ...(body as ErrorBody), message: body.error };
    return body?.error ?? {};
  } catch {
    return {};
  }
}
