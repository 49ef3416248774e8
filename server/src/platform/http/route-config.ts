import type { Endpoint } from '@almanac/contract/endpoint.ts';
import type { ErrorCode } from '@almanac/contract/errors.ts';
import type { Permission } from '@almanac/contract/permissions.ts';

/** What a route asks of its caller: a right from the permission table, any signed-in user, or nothing. */
export type Access = Permission | 'public';

/** What the platform keeps with each route. */
export interface RouteConfig {
  readonly access: Access;
  readonly endpoint: Endpoint;
  /** The organization that an anonymous caller acts in here. */
  readonly anonymousOrganization: 'demo' | 'local';
  /** True for what is answered while the process stops or sheds load, too. */
  readonly isAlwaysServed?: boolean;
}

/** The error codes that any bound endpoint may answer, by what it takes and asks. */
export function errorCodesOf(endpoint: Endpoint, access: Access): ErrorCode[] {
  const always: ErrorCode[] = ['VALIDATION_ERROR', 'RATE_LIMITED', 'INTERNAL_ERROR', 'DATABASE_UNAVAILABLE'];
  const rights: ErrorCode[] =
    access === 'public' ? [] : ['UNAUTHENTICATED', 'INVALID_TOKEN', 'FORBIDDEN', 'NOT_FOUND', 'ISSUER_UNAVAILABLE'];
  const body: ErrorCode[] = endpoint.body
    ? ['MALFORMED_BODY', 'REQUEST_TIMEOUT', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE']
    : [];
  const once: ErrorCode[] = endpoint.isIdempotent ? ['IN_PROGRESS', 'IDEMPOTENCY_KEY_REUSED'] : [];
  return [...new Set([...always, ...rights, ...body, ...once, ...endpoint.errors])];
}
