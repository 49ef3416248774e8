import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import cookie from '@fastify/cookie';
import cors, { type FastifyCorsOptions } from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import fastify from 'fastify';
import type { UserPrincipal } from '../access/principal.ts';
import type { HttpConfig } from '../config/config.ts';
import { AppError } from '../errors/app-error.ts';
import type { RateLimiter } from '../limits/rate-limiter.ts';
import type { AccessLog, Log } from '../log/log.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { createRecorder } from './access-log.ts';
import { readJsonBody, readLinesBody, readUnnamedBody } from './bodies.ts';
import { limitBodyTime } from './body-time.ts';
import { createErrorHandler, createPathErrorHandler, rawErrorAnswer } from './error-answers.ts';
import { type Authenticator, createGate, type RequestLimits } from './gate.ts';
import { limitConnections } from './limit-connections.ts';
import { isOriginAllowed } from './origins.ts';
import { createNotFoundHandler, keepRouteTable } from './route-table.ts';
import { createSecurityHeaders } from './security-headers.ts';
import { compileSerializer, compileValidator } from './validation.ts';

export interface HttpOptions {
  config: HttpConfig;
  log: Log;
  accessLog: AccessLog;
  authenticator: Authenticator;
  limiter: RateLimiter;
  limits: RequestLimits;
  telemetry: Pick<Telemetry, 'observeRequest' | 'eventLoopDelay'>;
  /** Told who was answered what an endpoint reads, after the answer. */
  onRead?: (principal: UserPrincipal, endpointId: string) => void;
  /** True while the process is stopping. */
  isDraining: () => boolean;
  now: () => number;
}

const bodyTimeMs = 30_000;
const longestRequestMs = 60 * 60_000;
const defaultEventLoopDelayMs = 1_000;

/**
 * Makes the HTTP server without its routes: parsing, limits, the gate, errors, the access log. A route that does not
 * declare its access is refused when it is added, so the server does not start with one.
 */
export async function createHttp(options: HttpOptions): Promise<FastifyInstance> {
  const { config, log } = options;
  const securityHeaders = createSecurityHeaders(config.isProduction);
  const app = fastify({
    logger: false,
    trustProxy: typeof config.trustProxy === 'boolean' ? config.trustProxy : [...config.trustProxy],
    bodyLimit: 1_048_576,
    // Of bodies that are read as they come; all others have `bodyTimeMs`.
    requestTimeout: longestRequestMs,
    connectionTimeout: 60_000,
    keepAliveTimeout: 72_000,
    http: {
      headersTimeout: 15_000,
      connectionsCheckingInterval: 5_000,
      maxHeaderSize: 16_384,
      // Node drops all but the first of some repeated headers, Authorization among them; joined they are seen and refused.
      joinDuplicateHeaders: true,
    },
    genReqId: createRequestIds(),
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: true },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: createPathErrorHandler(securityHeaders),
  });
  app.setValidatorCompiler(compileValidator);
  app.setSerializerCompiler(compileSerializer);
  app.setErrorHandler(createErrorHandler(log));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, readJsonBody);
  app.addContentTypeParser('application/x-ndjson', readLinesBody);
  app.addContentTypeParser('*', readUnnamedBody);
  app.decorateRequest('principal', null as unknown as UserPrincipal);
  limitConnections(app.server, config);

  app.addHook('onRequest', (request, _reply, done) => {
    const { raw } = request;
    // An injected request has no socket.
    if (!(raw.socket instanceof Socket)) return done();
    limitBodyTime(raw, bodyTimeMs, () => {
      const late = Object.assign(new Error('The body is late.'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
      answerBrokenRequest(late, raw.socket);
    });
    done();
  });
  await app.register(cookie);
  await app.register(cors, createCorsOptions(config));
  app.addHook('onRequest', createGate({ ...options, securityHeaders, refusal: createRefusal(options) }));
  app.addHook('onResponse', createRecorder(options));
  const routes = keepRouteTable(app);
  app.setNotFoundHandler(createNotFoundHandler(routes));
  return app;
}

/** A page of the server's own origin needs none of these headers, so only foreign origins are asked about. */
function createCorsOptions(config: HttpConfig): FastifyCorsOptions {
  return {
    origin: (origin, decide) => decide(null, origin !== undefined && isOriginAllowed(origin, undefined, config)),
    credentials: true,
    maxAge: 600,
    strictPreflight: false,
    // On to the gate, so that preflights too are checked for their Host and carry the security headers.
    preflightContinue: true,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: ['ETag', 'Link', 'Retry-After', 'X-Total-Count', 'Content-Disposition', 'Idempotency-Replayed'],
  };
}

function createRequestIds(): () => string {
  const prefix = Math.floor(Math.random() * 36 ** 6).toString(36);
  let count = 0;
  return () => {
    count += 1;
    return `${prefix}-${count.toString(36)}`;
  };
}

function createRefusal({ isDraining, telemetry, limits }: HttpOptions): () => AppError | undefined {
  const { maxEventLoopDelayMs = defaultEventLoopDelayMs } = limits;
  return () => {
    if (isDraining()) {
      return new AppError({ code: 'SHUTTING_DOWN', message: 'This process is stopping.', retryAfterSeconds: 1 });
    }
    if (telemetry.eventLoopDelay() > maxEventLoopDelayMs) {
      return new AppError({ code: 'OVERLOADED', message: 'The server is overloaded.', retryAfterSeconds: 2 });
    }
    return undefined;
  };
}

const brokenRequests: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: rawErrorAnswer('HEADERS_TOO_LARGE', 'The request headers are larger than 16 KiB.'),
  ERR_HTTP_REQUEST_TIMEOUT: rawErrorAnswer('REQUEST_TIMEOUT', 'The request did not arrive whole in the time given.'),
};

/** Answers what the parser refuses. Where an answer is on its way already, a second one must not run into it. */
function answerBrokenRequest(
  error: Error & { code?: string },
  socket: Socket & { _httpMessage?: ServerResponse },
): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket._httpMessage?.headersSent) return void socket.destroy();
  socket.end(brokenRequests[error.code ?? ''] ?? rawErrorAnswer('MALFORMED_BODY', 'This is not a valid HTTP request.'));
}
