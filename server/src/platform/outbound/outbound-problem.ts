/** Why a call to the outside brought no answer; the closed list that callers branch on. */
export type OutboundProblemKind =
  | 'blocked_address'
  | 'unreachable'
  | 'timeout'
  | 'too_large'
  | 'malformed_reply'
  | 'circuit_open'
  | 'aborted'
  | 'bad_url';

interface OutboundProblemOptions {
  kind: OutboundProblemKind;
  message: string;
  cause?: unknown;
}

/**
 * The one failure of the outbound client. The message may be shown to an organization: it names the host they gave and
 * never an address that a name resolved to, a query string or a header. The cause is for the log.
 */
export class OutboundProblem extends Error {
  override readonly name = 'OutboundProblem';
  readonly kind: OutboundProblemKind;

  constructor({ kind, message, cause }: OutboundProblemOptions) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

/** Whether an outage of the other side explains the problem: these are retried and open the circuit. */
export function isOutage(problem: unknown): problem is OutboundProblem {
  return problem instanceof OutboundProblem && (problem.kind === 'unreachable' || problem.kind === 'timeout');
}
