import type { IncomingMessage } from 'node:http';
import type { Permission } from '@almanac/contract/permissions.ts';
import { requirePermission, type UserPrincipal } from '#platform/access/principal.ts';
import { AppError } from '#platform/errors/app-error.ts';

/** What a client shows when it connects. */
export interface Handshake {
  /** `auth.token` of the client's options. */
  readonly token: string | undefined;
  /** `auth.apiKey` of the client's options, or the X-API-Key header. */
  readonly apiKey: string | undefined;
  /** The Authorization header. */
  readonly authorization: string | undefined;
  /** The Cookie header. */
  readonly cookie: string | undefined;
  /** The organization asked for, by `auth.organization` or the X-Organization-Id header; not checked yet. */
  readonly organization: string | undefined;
  readonly address: string;
}

/** Who a client turned out to be, and until when. */
export interface Admission {
  readonly principal: UserPrincipal;
  /** Where it is not the principal's own. */
  readonly expiresAt?: Date | undefined;
}

/** Answers who the client is; throws an AppError whose message the client reads as `connect_error`. */
export type Authenticate = (handshake: Handshake) => Promise<Admission>;

/** What is kept of a connection's first request, so that the request itself need not be. */
export type RequestFacts = Omit<Handshake, 'token'>;

/** Reads what the handshake needs of the first request. */
export function readRequest(request: IncomingMessage, address: string): RequestFacts {
  const { authorization, cookie } = request.headers;
  const named = (name: string) => {
    const value = request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  return { authorization, apiKey: named('x-api-key'), cookie, organization: named('x-organization-id'), address };
}

/**
 * Puts the request and what the client gave in `auth` together. A browser sends a WebSocket's cookies whoever opens it;
 * `credentials: 'omit'` has them passed over. Throws a VALIDATION_ERROR for a field of a wrong type.
 */
export function readHandshake(facts: RequestFacts, auth: Readonly<Record<string, unknown>>): Handshake {
  return {
    ...facts,
    cookie: readText(auth, 'credentials') === 'omit' ? undefined : facts.cookie,
    token: readText(auth, 'token'),
    apiKey: readText(auth, 'apiKey') ?? facts.apiKey,
    organization: readText(auth, 'organization') ?? facts.organization,
  };
}

function readText(auth: Readonly<Record<string, unknown>>, field: string): string | undefined {
  const value = auth[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw new AppError({ code: 'VALIDATION_ERROR', message: `auth.${field}: is not of type string` });
}

/**
 * Lets in who has a right. Throws UNAUTHENTICATED where no credentials were shown, the anonymous viewer being nobody here,
 * INVALID_TOKEN where they do not verify, and FORBIDDEN where they do not suffice.
 */
export async function requireAccess(access: Permission, authenticate: () => Promise<Admission>): Promise<Admission> {
  const admission = await authenticate().catch((error: unknown) => {
    throw error instanceof AppError && error.code === 'UNAUTHENTICATED' ? tokenMissing() : error;
  });
  if (admission.principal.kind === 'anonymous') throw tokenMissing();
  requirePermission(admission.principal, access);
  return admission;
}

function tokenMissing(): AppError {
  return new AppError({
    code: 'UNAUTHENTICATED',
    message: 'No access token was given: send one as auth.token, in the Authorization header or as the session cookie.',
  });
}
