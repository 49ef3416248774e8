import { LRUCache } from 'lru-cache';
import { type UserPrincipal, unauthenticated } from '#platform/access/principal.ts';
import type { Scopes } from '#platform/db/scopes.ts';
import { notFound } from '#platform/errors/app-error.ts';
import type { Authenticator, Credentials } from '#platform/http/gate.ts';
import type { AccessClaims, AccessTokens } from './access-tokens.ts';
import { invalidToken } from './identity.errors.ts';
import { findStanding, type Standing } from './identity.store.ts';

/** How long a verified principal stands before the session and the membership are looked up again. */
const freshMs = 4_000;
const maxKnown = 20_000;
/** Longer credentials are looked up each time, so that none can fill the memory. */
const maxKeptLength = 1_500;
const maxQuoted = 100;

interface Known {
  readonly principal: UserPrincipal;
  readonly untilMs: number;
}

interface AuthenticatorOptions {
  scopes: Pick<Scopes, 'inInstance'>;
  tokens: AccessTokens;
  /** The built-in viewer that requests without credentials act as; undefined where that is off. */
  anonymousUserId: string | undefined;
  now: () => Date;
}

/** An authenticator that can be told of a session's end, so that this process need not find out. */
export interface ForgettingAuthenticator extends Authenticator {
  forget(sessionId: string): void;
}

/**
 * Makes the authenticator: Bearer token, session cookie or the anonymous viewer. A verified principal is kept for four
 * seconds, so a revoked session or a lost membership counts within five. Wrong credentials never become anonymous.
 */
export function createAuthenticator({
  scopes,
  tokens,
  anonymousUserId,
  now,
}: AuthenticatorOptions): ForgettingAuthenticator {
  const known = new LRUCache<string, Known>({ max: maxKnown });

  const resolve = async (credentials: Credentials): Promise<Known> => {
    const token = readToken(credentials);
    if (token === undefined && anonymousUserId === undefined) throw unauthenticated();
    const claims = token === undefined ? undefined : await tokens.verify(token);
    const organization = credentials.organization ?? claims?.organizationId ?? credentials.anonymousOrganization;
    const userId = claims?.userId ?? anonymousUserId ?? '';
    const sessionId = claims?.sessionId;
    const asOf = now();
    const found = await scopes.inInstance((tx) => findStanding(tx, { userId, sessionId, organization, now: asOf }));
    if (!found.isSessionLive) throw invalidToken('belongs to a session that has ended');
    if (!found.standing) {
      if (credentials.organization === undefined && claims === undefined) throw unauthenticated();
      throw notFound('organization', organization.slice(0, maxQuoted));
    }
    return keepUntil(toPrincipal(found.standing, claims), asOf);
  };

  return {
    peek: (credentials) => {
      const found = known.get(keyOf(credentials));
      return found && found.untilMs > now().getTime() ? found.principal : undefined;
    },
    authenticate: async (credentials) => {
      const found = await resolve(credentials);
      const key = keyOf(credentials);
      if (key.length <= maxKeptLength) known.set(key, found);
      return found.principal;
    },
    forget: (sessionId) => {
      for (const [key, { principal }] of known) if (principal.sessionId === sessionId) known.delete(key);
    },
  };
}

function keepUntil(principal: UserPrincipal, asOf: Date): Known {
  const endsMs = principal.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
  return { principal, untilMs: Math.min(asOf.getTime() + freshMs, endsMs) };
}

function keyOf({ authorization, cookieToken, organization, anonymousOrganization }: Credentials): string {
  if (authorization !== undefined) return `bearer\n${authorization}\n${organization ?? ''}`;
  if (cookieToken !== undefined) return `cookie\n${cookieToken}\n${organization ?? ''}`;
  return `anonymous\n${anonymousOrganization}\n${organization ?? ''}`;
}

function readToken({ authorization, cookieToken }: Credentials): string | undefined {
  if (authorization === undefined) return cookieToken;
  const match = /^bearer +(\S+)$/i.exec(authorization);
  if (!match?.[1]) throw invalidToken('is not given as `Authorization: Bearer <token>`');
  return match[1];
}

function toPrincipal(standing: Standing, claims: AccessClaims | undefined): UserPrincipal {
  return {
    kind: claims ? 'user' : 'anonymous',
    userId: standing.user_id,
    organizationId: standing.organization_id,
    role: standing.role,
    sessionId: claims?.sessionId,
    expiresAt: claims && new Date(claims.expiresMs),
    organization: {
      id: standing.organization_id,
      slug: standing.slug,
      isDemo: standing.is_demo,
      timezone: standing.timezone,
      firstDayOfWeek: standing.first_day_of_week,
    },
  };
}
