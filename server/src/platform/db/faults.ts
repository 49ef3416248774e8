function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

const connectionCodes = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH',
  '57P01', '57P02', '57P03', '57P05', '53300', '25P03', '25006',
]); // biome-ignore format: one line a family
const connectionMessages =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable|Client was closed/i;

/** True when the database could not be reached, went away or is starting: the call may be made again later. */
export function isConnectionFault(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined && (connectionCodes.has(code) || /^08...$/.test(code))) return true;
  // The socket file of a server that does not run; of any other file it is no matter of the database.
  if (code === 'ENOENT' && (error as NodeJS.ErrnoException).syscall === 'connect') return true;
  if (error instanceof AggregateError) return error.errors.some(isConnectionFault);
  return error instanceof Error && connectionMessages.test(error.message);
}

/** True for a deadlock or a serialization failure: the transaction did nothing and may run again at once. */
export function isRetryable(error: unknown): boolean {
  const code = codeOf(error);
  return code === '40P01' || code === '40001';
}

/**
 * True when row security refused a row, which a right denied on a whole table is not, though both have one code. The
 * routine tells them apart: messages are translated.
 */
export function isRowSecurityRefusal(error: unknown): boolean {
  return codeOf(error) === '42501' && (error as { routine?: string }).routine === 'ExecWithCheckOptions';
}

/** True when a unique constraint refused a row; with a name, only that constraint. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (codeOf(error) !== '23505') return false;
  return constraint === undefined || (error as { constraint?: string }).constraint === constraint;
}
