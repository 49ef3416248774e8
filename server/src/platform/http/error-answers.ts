import { type ErrorCode, errorCodes } from '@almanac/contract/errors.ts';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { UserPrincipal } from '../access/principal.ts';
import { isConnectionFault, isRowSecurityRefusal } from '../db/faults.ts';
import { AppError, databaseUnavailable, validationFailed } from '../errors/app-error.ts';
import type { Log } from '../log/log.ts';
import { describeFaults } from './describe-faults.ts';
import type { RouteConfig } from './route-config.ts';
import type { SecurityHeaders } from './security-headers.ts';

/** Path prefixes whose answers wear the success envelope also where no route matched. */
const successPrefixes = ['/api/weekly', '/api/dashboard/tenant', '/api/businesses'];

/** The product's codes for what Fastify itself refuses. */
const fastifyCodes: Readonly<Record<string, [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['BODY_TOO_LARGE', 'The body is larger than this route takes.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['UNSUPPORTED_MEDIA_TYPE', 'This route reads `Content-Type: application/json`.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['MALFORMED_BODY', 'The body is not as long as its Content-Length says.'],
  FST_ERR_BAD_URL: ['NOT_FOUND', 'The path is not a valid one.'],
  FST_ERR_MAX_PARAM_LENGTH: ['NOT_FOUND', 'There is nothing at a path with so long a part.'],
};

/**
 * Turns whatever was thrown into the one error type; the unexpected becomes a 500 that says nothing of the inside. A
 * membership may end while the principal is still known: then row security refuses what is written in the organization.
 */
export function toAppError(error: unknown, organizationId?: string): AppError {
  if (error instanceof AppError) return error;
  const { validation, validationContext, code, message } = (error ?? {}) as Partial<FastifyError>;
  if (code === 'ECONNRESET' && message === 'aborted')
    return new AppError({ code: 'MALFORMED_BODY', message: 'The body broke off.' });
  if (isConnectionFault(error)) return databaseUnavailable(error);
  if (organizationId !== undefined && isRowSecurityRefusal(error)) return organizationEnded(organizationId, error);
  if (validation) return validationFailed(describeFaults(validation, validationContext ?? 'body'));
  const known = code === undefined ? undefined : fastifyCodes[code];
  if (known) return new AppError({ code: known[0], message: known[1], cause: error });
  return new AppError({ code: 'INTERNAL_ERROR', message: 'Something went wrong on our side.', cause: error });
}

function organizationEnded(id: string, cause: unknown): AppError {
  return new AppError({ code: 'NOT_FOUND', message: `There is no organization '${id}' here.`, cause });
}

/** Sends an error in the envelope of its route. */
function sendError(request: FastifyRequest, reply: FastifyReply, error: AppError): FastifyReply {
  reply.removeHeader('content-disposition').removeHeader('etag');
  reply.code(error.status).header('cache-control', 'no-store').headers(error.headers);
  if (error.retryAfterSeconds !== undefined)
    reply.header('retry-after', Math.max(1, Math.ceil(error.retryAfterSeconds)));
  reply.header('content-type', 'application/json; charset=utf-8');
  return reply.serializer(JSON.stringify).send(shapeError(request, error));
}

function shapeError(request: FastifyRequest, { code, message, faults, details: further }: AppError): object {
  const [first] = faults;
  const all = { ...(first ? { field: first.field, issue: first.issue, errors: faults } : {}), ...further };
  const details = Object.keys(all).length > 0 ? { details: all } : {};
  const wearsSuccess = envelopeOf(request) === 'success';
  if (wearsSuccess) return { success: false, error: message, code, ...details, request_id: request.id };
  return { error: { code, message, ...details, request_id: request.id } };
}

function envelopeOf(request: FastifyRequest): 'plain' | 'success' {
  const config = request.routeOptions.config as Partial<RouteConfig> | undefined;
  if (config?.endpoint) return config.endpoint.envelope;
  const isSuccess = successPrefixes.some((prefix) => request.url === prefix || request.url.startsWith(`${prefix}/`));
  return isSuccess ? 'success' : 'plain';
}

/** Makes the handler of everything thrown: the one place where errors become answers. */
export function createErrorHandler(log: Log) {
  return (thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const error = toAppError(thrown, (request.principal as UserPrincipal | null)?.organizationId);
    if (error.status >= 500 || isRowSecurityRefusal(error.cause)) {
      const level = error.code === 'INTERNAL_ERROR' ? 'error' : 'warn';
      log[level]({ request_id: request.id, code: error.code, err: error.cause ?? error }, 'a request failed');
    }
    return sendError(request, reply, error);
  };
}

/** Makes the answer to a path that the router itself refuses, before any hook runs. */
export function createPathErrorHandler({ data }: SecurityHeaders) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    sendError(request, reply.headers(data), toAppError(error));
  };
}

/** The raw answer to a request that could not even be parsed. */
export function rawErrorAnswer(
  code: 'HEADERS_TOO_LARGE' | 'MALFORMED_BODY' | 'REQUEST_TIMEOUT',
  message: string,
): string {
  const { status } = errorCodes[code];
  const body = JSON.stringify({ error: { code, message, request_id: '' } });
  const head = [
    `HTTP/1.1 ${status} ${code}`,
    'content-type: application/json; charset=utf-8',
    'x-content-type-options: nosniff',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
