import { configurationProblem, isConfigurationProblem } from '#platform/config/environment.ts';
import { isConnectionFault } from '#platform/db/faults.ts';

/** No such database; no such user, or not with this password; rights that the user lacks. */
const refusals = new Set(['3D000', '28000', '28P01', '42501']);

/** What the operator reads where the configured database cannot be reached or does not let us in; else the error itself. */
export function explainDatabaseFault(error: unknown): unknown {
  if (isConfigurationProblem(error)) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : (error as Error);
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code !== undefined && refusals.has(code)) {
    return configurationProblem(
      `DATABASE_URL cannot be used (${message}): correct the address, the user or its rights.`,
    );
  }
  if (!isConnectionFault(error)) return error;
  return configurationProblem(
    `DATABASE_URL cannot be reached (${code ?? message}): start PostgreSQL, or correct the address.`,
  );
}
