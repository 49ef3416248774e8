import { AppError } from '../errors/app-error.ts';

/** /metrics asked for from elsewhere, or without its token. */
export function invalidMetricsToken(): AppError {
  return new AppError({
    code: 'UNAUTHENTICATED',
    message: 'Metrics are read from this machine, or with METRICS_TOKEN as `Authorization: Bearer …`.',
  });
}
