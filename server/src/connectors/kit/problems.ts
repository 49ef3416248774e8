/**
 * Everything that can go wrong at a source. `passing` tells the scheduler whether trying again later may help without
 * anybody changing something.
 */
export const connectorProblemCodes = {
  bad_credentials: { passing: false, meaning: 'The source does not accept the credentials.' },
  forbidden: { passing: false, meaning: 'The source is there, and does not let us read it.' },
  not_found: { passing: false, meaning: 'What the settings name does not exist.' },
  missing_program: { passing: false, meaning: 'A program that the connector needs is not installed.' },
  rate_limited: { passing: true, meaning: 'The source wants us to wait.' },
  unreachable: { passing: true, meaning: 'The source does not answer.' },
  malformed_reply: { passing: true, meaning: 'The source answered something that cannot be read.' },
  aborted: { passing: true, meaning: 'The read was called off from our side.' },
} as const;

/** One of the closed set of codes. */
export type ConnectorProblemCode = keyof typeof connectorProblemCodes;

interface ConnectorProblemOptions {
  code: ConnectorProblemCode;
  /** For the person who set up the source: what is wrong with what, and what to do. Never holds a secret. */
  message: string;
  retryAfterSeconds?: number;
  cause?: unknown;
}

/** The one error type of connectors. Sources fail outside any request, so it has no HTTP status, unlike AppError. */
export class ConnectorProblem extends Error {
  override readonly name = 'ConnectorProblem';
  readonly code: ConnectorProblemCode;
  readonly isPassing: boolean;
  readonly retryAfterSeconds: number | undefined;

  constructor(options: ConnectorProblemOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.isPassing = connectorProblemCodes[options.code].passing;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** True for what a connector threw on purpose; with `code`, only for that one. */
export function isConnectorProblem(error: unknown, code?: ConnectorProblemCode): error is ConnectorProblem {
  return error instanceof ConnectorProblem && (code === undefined || error.code === code);
}

type PlainCode = Exclude<ConnectorProblemCode, 'rate_limited' | 'aborted'>;

/** A problem of the given code; `message` is for the person who set up the source. */
export function connectorProblem(code: PlainCode, message: string, cause?: unknown): ConnectorProblem {
  return new ConnectorProblem({ code, message, cause });
}

/** The source told us to wait so many seconds. */
export function rateLimited(source: string, retryAfterSeconds: number): ConnectorProblem {
  const message = `${source} allows no more calls for ${retryAfterSeconds} seconds. Reading goes on by itself after that.`;
  return new ConnectorProblem({ code: 'rate_limited', message, retryAfterSeconds });
}

/** The caller's signal ended the work. */
export function aborted(what: string): ConnectorProblem {
  return new ConnectorProblem({ code: 'aborted', message: `${what} was called off.` });
}
