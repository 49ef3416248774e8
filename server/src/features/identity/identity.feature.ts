import type { FastifyInstance } from 'fastify';
import { deleteOldAttempts, type SignInGuard } from '#features/passwords/index.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { Config } from '#platform/config/config.ts';
import { deriveKey } from '#platform/crypto/derive-key.ts';
import { createFamilyTokens } from '#platform/crypto/family-tokens.ts';
import type { Scopes } from '#platform/db/scopes.ts';
import type { Authenticator } from '#platform/http/gate.ts';
import { defineJob, type JobDefinition } from '#platform/jobs/define-job.ts';
import type { RateLimiter } from '#platform/limits/rate-limiter.ts';
import type { Log } from '#platform/log/log.ts';
import type { Mail } from '#platform/mail/mail.ts';
import { createAccessTokens } from './access-tokens.ts';
import { type AccountsService, createAccountsService, type OutsideClaims } from './accounts.service.ts';
import { isFirstAccount, type MakeOrganization } from './accounts.store.ts';
import { createAuthenticator, type Forgotten, toMember, type VerifiedApiKey } from './authenticator.ts';
import { addIdentityRoutes } from './identity.routes.ts';
import { createRecoveryService, type RecoveryOptions } from './recovery.service.ts';
import { type CheckCode, createSessionsService } from './sessions.service.ts';
import { deleteOldSessions } from './sessions.store.ts';
import { findEndedStandings, findStanding } from './standing.store.ts';

interface IdentityNeeds {
  config: Pick<Config, 'jwtSecret' | 'tokenKey' | 'isProduction' | 'setupToken'> & {
    http: Pick<Config['http'], 'cookieSameSite'>;
  };
  scopes: Pick<Scopes, 'inInstance'>;
  limiter: RateLimiter;
  guard: SignInGuard;
  mail: Pick<Mail, 'queue' | 'deliverSoon' | 'linkTo'>;
  log: Log;
  now: () => Date;
  /** Waits so many milliseconds. */
  pause: (ms: number) => Promise<void>;
  checkCode: CheckCode;
  verifyApiKey: (key: string) => Promise<VerifiedApiKey | undefined>;
  issuers: OutsideIssuers;
  anonymousUserId: string | undefined;
  localOrganizationId: string;
  makeOrganization: MakeOrganization;
  disown: RecoveryOptions['disown'];
}

/** Those whose tokens are taken beside our own. */
interface OutsideIssuers {
  isOutside(token: string): boolean;
  verify(token: string): Promise<OutsideClaims & { expiresMs: number; hasSecondFactor: boolean }>;
}

/** Accounts, sessions and who a request is. */
export interface IdentityFeature {
  readonly authenticator: Authenticator;
  readonly jobs: readonly JobDefinition[];
  /** Has what is known of these looked up anew with the next request. */
  forget(forgotten: Forgotten): void;
  /** Throws INVALID_CREDENTIALS unless it is the account's password. */
  confirmPassword: AccountsService['confirmPassword'];
  /** Of the principals given, those whose session, key, membership or role has ended. */
  findEnded(principals: readonly UserPrincipal[]): Promise<UserPrincipal[]>;
  /** The principal of an active member, by ids; undefined for whoever is none. */
  findMember(member: { userId: string; organizationId: string }): Promise<UserPrincipal | undefined>;
  /** False until somebody has registered. */
  hasAccounts(): Promise<boolean>;
  addRoutes(app: FastifyInstance): void;
}

export function createIdentityFeature(needs: IdentityNeeds): IdentityFeature {
  const { config, scopes, limiter, issuers, now } = needs;
  const tokens = createAccessTokens({ ...config.tokenKey, now });
  const authenticator = createAuthenticator({
    ...needs,
    tokens,
    isOutsideToken: (token) => issuers.isOutside(token),
    verifyOutsideToken: async (token) => {
      const { expiresMs, hasSecondFactor, ...claims } = await issuers.verify(token);
      return { userId: await accounts.putOutsideAccount(claims), expiresMs, hasSecondFactor };
    },
  });
  const { forget } = authenticator;
  const refreshTokens = createFamilyTokens(deriveKey(config.jwtSecret, 'refresh tokens'));
  const recovery = createRecoveryService({ ...needs, forget });
  const sessions = createSessionsService({ ...needs, tokens, refreshTokens, forget });
  const accounts: AccountsService = createAccountsService({
    ...needs,
    sessions,
    recovery,
    forget,
    setupToken: config.setupToken,
  });
  // Browsers drop a cookie that goes to other sites and is not Secure.
  const secure = config.isProduction || config.http.cookieSameSite === 'none';
  const cookies = { secure, sameSite: config.http.cookieSameSite };
  return {
    authenticator,
    jobs: [pruneSessions],
    forget,
    confirmPassword: accounts.confirmPassword,
    findEnded: async (principals) => {
      if (principals.length === 0) return [];
      const ended = await scopes.inInstance((tx) => findEndedStandings(tx, principals, now()));
      return ended.flatMap((index) => principals[index] ?? []);
    },
    findMember: async ({ userId, organizationId: organization }) => {
      const asked = { userId, organization, sessionId: undefined, now: now() };
      const { standing } = await scopes.inInstance((tx) => findStanding(tx, asked));
      return standing && toMember(standing);
    },
    hasAccounts: async () => !(await scopes.inInstance(isFirstAccount)),
    addRoutes: (app) => addIdentityRoutes(app, { accounts, sessions, recovery, authenticator, limiter, cookies }),
  };
}

const pruneSessions = defineJob({
  name: 'prune_sessions',
  summary: 'Removes failed sign-ins past their 15 minutes, and sessions and mailed tokens that ended 30 days ago.',
  scope: 'instance',
  schedule: '20 * * * *',
  missed: 'once',
  retry: { limit: 2, delaySeconds: 60 },
  timeoutSeconds: 120,
  maxFailures: 10,
  handler: (run) =>
    run.inInstance(async (tx) => {
      const attempts = await deleteOldAttempts(tx, run.now());
      const sessions = await deleteOldSessions(tx, run.now());
      return attempts + sessions > 0 ? { attempts, sessions } : undefined;
    }),
});
