import { ruleOf } from '@almanac/contract/permissions.ts';
import type { Tier } from '@almanac/contract/tiers.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { requirePermission, type UserPrincipal, unauthenticated } from '../access/principal.ts';
import type { HttpConfig } from '../config/config.ts';
import { AppError } from '../errors/app-error.ts';
import type { RateDecision, RateLimiter } from '../limits/rate-limiter.ts';
import { type AddressLimit, createAddressLimit, tooManyCalls } from './address-limit.ts';
import { isHostAllowed, isOriginAllowed } from './origins.ts';
import type { RouteConfig } from './route-config.ts';
import type { SecurityHeaders } from './security-headers.ts';

/** What a request shows of who sends it. */
export interface Credentials {
  readonly authorization: string | undefined;
  /** The access token of the session cookie. */
  readonly cookieToken: string | undefined;
  /** What X-API-Key holds. */
  readonly apiKey: string | undefined;
  /** What the path, or else X-Organization-Id, names. */
  readonly organization: string | undefined;
  /** Where an anonymous caller acts. */
  readonly anonymousOrganization: 'demo' | 'local';
}

/** Turns credentials into a principal; the identity feature provides it. */
export interface Authenticator {
  /** The principal where it is known already, at once. */
  peek(credentials: Credentials): UserPrincipal | undefined;
  /** The principal; throws 401 for credentials that are missing or wrong, 404 for an organization one is not in. */
  authenticate(credentials: Credentials): Promise<UserPrincipal>;
}

/** Requests a minute: of a user or an API key, by the tier of the organization; of an address without credentials. */
export interface RequestLimits {
  readonly perMinute: (tier: Tier) => number;
  readonly addressPerMinute: number;
  /** Past this delay of the event loop requests are refused; a second unless told. */
  readonly maxEventLoopDelayMs?: number;
}

interface GateOptions {
  config: HttpConfig;
  authenticator: Authenticator;
  limiter: RateLimiter;
  limits: RequestLimits;
  /** Why no request is taken at the moment, if so. */
  refusal: () => AppError | undefined;
  securityHeaders: SecurityHeaders;
}

interface GateParts extends GateOptions {
  addressLimit: AddressLimit;
}

type Done = (error?: Error) => void;

/**
 * The one hook that each request passes before anything else: readiness, Host, security headers, who it is, how often,
 * and whether the route's right is given. Synchronous where the principal is known.
 */
export function createGate(given: GateOptions): (request: FastifyRequest, reply: FastifyReply, done: Done) => void {
  const options = { ...given, addressLimit: createAddressLimit(given.limiter, given.limits) };
  const { config, securityHeaders } = options;
  return (request, reply, done) => {
    const route = request.routeOptions.config as Partial<RouteConfig>;
    reply.headers(route.endpoint ? securityHeaders.data : securityHeaders.page);
    const refused = route.isAlwaysServed ? undefined : options.refusal();
    const fault = refused ?? findFault({ request, config, route });
    if (fault) return done(fault);
    if (route.access === undefined || route.access === 'public') return done(limitAddress(request, reply, options));
    const credentials = readCredentials(request, route as RouteConfig);
    if (!ruleOf(route.access).anonymous && !hasAny(credentials)) {
      return done(limitAddress(request, reply, options) ?? unauthenticated());
    }
    identify({ request, reply, credentials }, options, (error, principal) => {
      if (!principal) return done(error);
      done(admit({ request, reply, route: route as RouteConfig, principal }, options));
    });
  };
}

interface Asking {
  request: FastifyRequest;
  reply: FastifyReply;
  credentials: Credentials;
}

/**
 * Tells who it is: at once where that is known. An address that has shown too many wrong credentials is refused before
 * the next cost a look-up.
 */
function identify(
  { request, reply, credentials }: Asking,
  options: GateParts,
  tell: (error: Error | undefined, principal?: UserPrincipal) => void,
): void {
  const { authenticator } = options;
  const known = authenticator.peek(credentials);
  const refuse = (error: Error) => tell(limitAddress(request, reply, options) ?? error);
  if (known) tell(undefined, known);
  else if (options.addressLimit.isUsedUp(request.ip)) refuse(unauthenticated());
  else authenticator.authenticate(credentials).then((principal) => tell(undefined, principal), refuse);
}

interface Checked {
  request: FastifyRequest;
  config: HttpConfig;
  route: Partial<RouteConfig>;
}

function findFault({ request, config, route }: Checked): AppError | undefined {
  const { host, accept, cookie, origin, authorization, 'x-api-key': apiKey } = request.headers;
  if (!isHostAllowed(host, config)) {
    return new AppError({
      code: 'HOST_NOT_ALLOWED',
      message: `This server is bound to loopback and does not answer as '${host}'. Use localhost, or set HOST and PUBLIC_URL.`,
    });
  }
  if (accept !== undefined && !isJsonAccepted(route, accept)) {
    return new AppError({
      code: 'NOT_ACCEPTABLE',
      message: `'${accept}' cannot be produced here; application/json can.`,
    });
  }
  const isChange = request.method !== 'GET' && request.method !== 'HEAD' && request.method !== 'OPTIONS';
  const isBare = authorization === undefined && apiKey === undefined;
  const isByCookie = isBare && cookie !== undefined && /(access|refresh)_token=/.test(cookie);
  if (isChange && isByCookie && (origin === undefined || !isOriginAllowed(origin, host, config))) {
    return new AppError({
      code: 'ORIGIN_NOT_ALLOWED',
      message: `A page of '${origin ?? 'no origin'}' may not make changes with the session cookie. Add it to CORS_ORIGINS.`,
    });
  }
  return undefined;
}

function isJsonAccepted({ endpoint }: Partial<RouteConfig>, accept: string): boolean {
  if (!endpoint || endpoint.files || accept === '') return true;
  return /\*\/\*|application\/(\*|json)|\+json/i.test(accept);
}

function readCredentials(request: FastifyRequest, route: RouteConfig): Credentials {
  const { authorization, cookie, 'x-api-key': apiKey } = request.headers;
  const isBare = authorization === undefined && apiKey === undefined;
  return {
    authorization,
    apiKey: typeof apiKey === 'string' ? apiKey : undefined,
    cookieToken: isBare && cookie !== undefined ? request.cookies?.access_token : undefined,
    organization: readOrganization(request, route),
    anonymousOrganization: route.anonymousOrganization,
  };
}

function readOrganization(request: FastifyRequest, { endpoint }: RouteConfig): string | undefined {
  const { organizationParam } = endpoint;
  if (organizationParam !== undefined) return (request.params as Record<string, string>)[organizationParam];
  const named = request.headers['x-organization-id'];
  return typeof named === 'string' ? named : undefined;
}

function hasAny({ authorization, apiKey, cookieToken }: Credentials): boolean {
  return authorization !== undefined || apiKey !== undefined || cookieToken !== undefined;
}

interface Admission {
  request: FastifyRequest;
  reply: FastifyReply;
  route: RouteConfig;
  principal: UserPrincipal;
}

function admit({ request, reply, route, principal }: Admission, options: GateParts): Error | undefined {
  request.principal = { ...principal, request: { id: request.id, address: request.ip } };
  const over =
    principal.kind === 'anonymous' ? limitAddress(request, reply, options) : limitCaller(reply, principal, options);
  if (over) return over;
  try {
    if (route.access !== 'public') requirePermission(principal, route.access);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

function limitAddress(request: FastifyRequest, reply: FastifyReply, { addressLimit }: GateParts): AppError | undefined {
  return tell(reply, addressLimit.take(request.ip));
}

/** Each member and each key by itself, so that nobody uses up what is another's. */
function limitCaller(
  reply: FastifyReply,
  principal: UserPrincipal,
  { limiter, limits }: GateParts,
): AppError | undefined {
  const { tier } = principal.organization;
  const caller = principal.apiKey ? `key:${principal.apiKey.id}` : `user:${principal.userId}`;
  return tell(reply, limiter.take(`${caller}:${tier}`, { perMinute: limits.perMinute(tier) }));
}

/** The refusal, with its headers, where there is one. */
function tell(reply: FastifyReply, verdict: RateDecision): AppError | undefined {
  if (verdict.allowed) return undefined;
  const headers = {
    'ratelimit-limit': String(verdict.limit),
    'ratelimit-remaining': String(verdict.remaining),
    'ratelimit-reset': String(Math.ceil(verdict.resetSeconds)),
  };
  reply.headers(headers);
  return tooManyCalls(verdict);
}
