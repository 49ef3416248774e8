import type { Permission } from '@almanac/contract/permissions.ts';
import { LRUCache } from 'lru-cache';
import { type UserPrincipal, unauthenticated } from '#platform/access/principal.ts';
import type { Scopes } from '#platform/db/scopes.ts';
import { type AppError, notFound } from '#platform/errors/app-error.ts';
import type { Authenticator, Credentials } from '#platform/http/gate.ts';
import type { AccessTokens } from './access-tokens.ts';
import { invalidApiKey, invalidToken, keyAsToken, tokenAsKey, twoCredentials } from './identity.errors.ts';
import { findStanding, type Standing } from './standing.store.ts';

/** How long a verified principal stands before the session and the membership are looked up again. */
const freshMs = 4_000;
const maxKnown = 20_000;
/** Longer credentials are looked up each time, so that none can fill the memory. */
const maxKeptLength = 2_500;
const maxQuoted = 100;

/** What an API key says, once it has verified. */
export interface VerifiedApiKey {
  readonly id: string;
  readonly userId: string;
  readonly organizationId: string;
  readonly scopes: readonly Permission[];
  readonly expiresAt: Date | undefined;
}

/** Somebody whom an outside issuer has signed in. */
export interface OutsidePerson {
  readonly userId: string;
  readonly expiresMs: number;
  readonly hasSecondFactor: boolean;
}

/** What of the known principals is to be looked up anew. */
export type Forgotten = Partial<Record<'sessionId' | 'userId' | 'organizationId' | 'apiKeyId', string>>;

interface AuthenticatorOptions {
  scopes: Pick<Scopes, 'inInstance'>;
  tokens: Pick<AccessTokens, 'verify'>;
  verifyApiKey: (key: string) => Promise<VerifiedApiKey | undefined>;
  isOutsideToken: (token: string) => boolean;
  verifyOutsideToken: (token: string) => Promise<OutsidePerson>;
  /** The built-in viewer that requests without credentials act as; undefined where that is off. */
  anonymousUserId: string | undefined;
  now: () => Date;
}

/** An authenticator that can be told of an end or a change, so that this process need not find out. */
export interface ForgettingAuthenticator extends Authenticator {
  forget(forgotten: Forgotten): void;
}

/** Whom credentials stand for, before it is known where they stand. */
interface Bearer {
  readonly kind: UserPrincipal['kind'];
  readonly userId: string;
  /** The organization acted in unless another is named. */
  readonly organization: string | undefined;
  readonly sessionId?: string;
  readonly apiKey?: VerifiedApiKey;
  readonly expiresAt?: Date | undefined;
  /** Known of people from outside alone: of the others their account tells. */
  readonly hasSecondFactor?: boolean;
}

/**
 * Makes the authenticator: access token, API key, outside token, session cookie or the anonymous viewer. A verified
 * principal is kept for four seconds, so what ends counts within five. Wrong credentials never become anonymous.
 */
export function createAuthenticator(options: AuthenticatorOptions): ForgettingAuthenticator {
  const { scopes, now } = options;
  const known = new LRUCache<string, { principal: UserPrincipal; untilMs: number }>({ max: maxKnown });
  let timesForgotten = 0;

  const resolve = async (credentials: Credentials): Promise<{ principal: UserPrincipal; untilMs: number }> => {
    const bearer = await readBearer(credentials, options);
    const organization = credentials.organization ?? bearer.organization;
    const asOf = now();
    const { userId, sessionId } = bearer;
    const found = await scopes.inInstance((tx) => findStanding(tx, { userId, sessionId, organization, now: asOf }));
    if (!found.isLive) throw endedCredentials(bearer);
    const { standing } = found;
    // A key is good for one organization, also where its owner is in others.
    const isElsewhere = bearer.apiKey && standing?.organization_id !== bearer.apiKey.organizationId;
    if (!standing || isElsewhere) {
      if (credentials.organization === undefined && bearer.kind === 'anonymous') throw unauthenticated();
      throw notFound('organization', (organization ?? '').slice(0, maxQuoted));
    }
    const endsMs = bearer.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
    return { principal: toPrincipal(standing, bearer), untilMs: Math.min(asOf.getTime() + freshMs, endsMs) };
  };

  return {
    peek: (credentials) => {
      const found = known.get(keyOf(credentials));
      return found && found.untilMs > now().getTime() ? found.principal : undefined;
    },
    authenticate: async (credentials) => {
      const begun = timesForgotten;
      const found = await resolve(credentials);
      const key = keyOf(credentials);
      // What was looked up while something was forgotten may be of before, and answers this request alone.
      if (key.length <= maxKeptLength && begun === timesForgotten) known.set(key, found);
      return found.principal;
    },
    forget: (forgotten) => {
      timesForgotten += 1;
      for (const [key, { principal }] of known) if (isMeant(principal, forgotten)) known.delete(key);
    },
  };
}

async function readBearer(credentials: Credentials, options: AuthenticatorOptions): Promise<Bearer> {
  const { apiKey, authorization, anonymousOrganization } = credentials;
  if (apiKey !== undefined && authorization !== undefined) throw twoCredentials();
  if (apiKey !== undefined) {
    const verified = await options.verifyApiKey(apiKey);
    if (!verified) throw looksLikeToken(apiKey) ? tokenAsKey() : invalidApiKey();
    const { userId, organizationId, expiresAt } = verified;
    return { kind: 'user', userId, organization: organizationId, apiKey: verified, expiresAt };
  }
  const token = readToken(credentials);
  if (token === undefined) {
    if (options.anonymousUserId === undefined) throw unauthenticated();
    return { kind: 'anonymous', userId: options.anonymousUserId, organization: anonymousOrganization };
  }
  if (options.isOutsideToken(token)) {
    const { userId, expiresMs, hasSecondFactor } = await options.verifyOutsideToken(token);
    return { kind: 'user', userId, organization: undefined, expiresAt: new Date(expiresMs), hasSecondFactor };
  }
  const { userId, sessionId, organizationId, expiresMs } = await options.tokens.verify(token);
  return { kind: 'user', userId, sessionId, organization: organizationId, expiresAt: new Date(expiresMs) };
}

function readToken({ authorization, cookieToken }: Credentials): string | undefined {
  if (authorization === undefined) return cookieToken;
  if (looksLikeApiKey(authorization)) throw keyAsToken();
  const match = /^bearer +(\S+)$/i.exec(authorization);
  if (!match?.[1]) throw invalidToken('is not given as `Authorization: Bearer <token>`');
  return match[1];
}

/** Of what Authorization holds, with or without a scheme: no access token begins so. */
function looksLikeApiKey(authorization: string): boolean {
  return /^([\w-]+ +)?alm_/i.test(authorization);
}

/** Three parts of base64url, the first the beginning of a JSON object (RFC 7515, 3.1). */
function looksLikeToken(apiKey: string): boolean {
  return /^(bearer +)?eyJ[\w-]*\.[\w-]+\.[\w-]*$/i.test(apiKey);
}

function endedCredentials({ apiKey, sessionId }: Bearer): AppError {
  if (apiKey) return invalidApiKey();
  return invalidToken(sessionId ? 'belongs to a session that has ended' : 'belongs to an account that is gone');
}

function keyOf({ authorization, apiKey, cookieToken, organization, anonymousOrganization }: Credentials): string {
  const named = organization ?? '';
  if (apiKey !== undefined) return `key\n${apiKey}\n${authorization ?? ''}\n${named}`;
  if (authorization !== undefined) return `bearer\n${authorization}\n${named}`;
  if (cookieToken !== undefined) return `cookie\n${cookieToken}\n${named}`;
  return `anonymous\n${anonymousOrganization}\n${named}`;
}

function isMeant(principal: UserPrincipal, forgotten: Forgotten): boolean {
  return (
    (forgotten.sessionId !== undefined && principal.sessionId === forgotten.sessionId) ||
    (forgotten.userId !== undefined && principal.userId === forgotten.userId) ||
    (forgotten.organizationId !== undefined && principal.organizationId === forgotten.organizationId) ||
    (forgotten.apiKeyId !== undefined && principal.apiKey?.id === forgotten.apiKeyId)
  );
}

/** The principal of a member without credentials, for a program that has made sure of who it is. */
export function toMember(standing: Standing): UserPrincipal {
  return toPrincipal(standing, { kind: 'user', userId: standing.user_id, organization: standing.organization_id });
}

function toPrincipal(standing: Standing, bearer: Bearer): UserPrincipal {
  const { kind, sessionId, apiKey, expiresAt } = bearer;
  const hasSecondFactor = bearer.hasSecondFactor ?? standing.has_mfa;
  return {
    kind,
    userId: standing.user_id,
    organizationId: standing.organization_id,
    role: standing.role,
    isInstanceAdmin: standing.is_instance_admin,
    accountType: standing.account_type,
    sessionId,
    apiKey: apiKey && { id: apiKey.id, scopes: apiKey.scopes },
    isMfaMissing: kind === 'user' && standing.requires_mfa && !hasSecondFactor,
    expiresAt,
    organization: {
      id: standing.organization_id,
      slug: standing.slug,
      isDemo: standing.is_demo,
      timezone: standing.timezone,
      firstDayOfWeek: standing.first_day_of_week,
      tier: standing.subscription_tier,
    },
  };
}
