import { forbidden } from '#platform/access/principal.ts';
import type { AppError } from '#platform/errors/app-error.ts';

/** An assessment that is somebody else's, and the caller neither admin nor owner. */
export function notYours(): AppError {
  return forbidden('The assessments of other members are made and changed by an admin or an owner.');
}
