import type { FastifyInstance } from 'fastify';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { Config } from '#platform/config/config.ts';
import type { InstanceTx, Scopes } from '#platform/db/scopes.ts';
import type { Authenticator } from '#platform/http/gate.ts';
import type { RateLimiter } from '#platform/limits/rate-limiter.ts';
import { createAccessTokens } from './access-tokens.ts';
import { createAuthenticator } from './authenticator.ts';
import { addIdentityRoutes } from './identity.routes.ts';
import { createIdentityService } from './identity.service.ts';
import { findEndedStandings, isFirstAccount } from './identity.store.ts';

interface IdentityNeeds {
  config: Pick<Config, 'jwtSecret' | 'isProduction' | 'setupToken'> & { http: Pick<Config['http'], 'cookieSameSite'> };
  scopes: Pick<Scopes, 'inInstance'>;
  limiter: RateLimiter;
  now: () => Date;
  anonymousUserId: string | undefined;
  localOrganizationId: string;
  makeOrganization: (tx: InstanceTx, organization: { name: string }) => Promise<string>;
}

/** Accounts, sessions and who a request is. */
export interface IdentityFeature {
  readonly authenticator: Authenticator;
  /** Of the principals given, those whose session or membership has ended. */
  findEnded(principals: readonly UserPrincipal[]): Promise<UserPrincipal[]>;
  /** False until somebody has registered. */
  hasAccounts(): Promise<boolean>;
  addRoutes(app: FastifyInstance): void;
}

export function createIdentityFeature(needs: IdentityNeeds): IdentityFeature {
  const { config, scopes, limiter, now } = needs;
  const tokens = createAccessTokens(config.jwtSecret, now);
  const authenticator = createAuthenticator({ scopes, tokens, now, anonymousUserId: needs.anonymousUserId });
  const service = createIdentityService({
    forgetSession: authenticator.forget,
    scopes,
    tokens,
    now,
    setupToken: config.setupToken,
    makeOrganization: needs.makeOrganization,
    localOrganizationId: needs.localOrganizationId,
  });
  // Browsers drop a cookie that goes to other sites and is not Secure.
  const secure = config.isProduction || config.http.cookieSameSite === 'none';
  const cookies = { secure, sameSite: config.http.cookieSameSite };
  return {
    authenticator,
    findEnded: async (principals) => {
      if (principals.length === 0) return [];
      const asked = principals.map(({ userId, organizationId, sessionId, role }) => ({
        userId,
        organizationId,
        sessionId,
        role,
      }));
      const ended = await scopes.inInstance((tx) => findEndedStandings(tx, asked, now()));
      return ended.flatMap((index) => principals[index] ?? []);
    },
    hasAccounts: async () => !(await scopes.inInstance(isFirstAccount)),
    addRoutes: (app) => addIdentityRoutes(app, { service, limiter, cookies }),
  };
}
