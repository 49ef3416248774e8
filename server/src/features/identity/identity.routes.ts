import * as account from '@almanac/contract/account.ts';
import * as identity from '@almanac/contract/identity.ts';
import type { FastifyInstance } from 'fastify';
import { requirePermission } from '#platform/access/principal.ts';
import { validationFailed } from '#platform/errors/app-error.ts';
import { AnswerWithStatus } from '#platform/http/answers.ts';
import { type BoundRequest, bind } from '#platform/http/bind.ts';
import { networkOf } from '#platform/http/client-address.ts';
import type { Authenticator, Credentials } from '#platform/http/gate.ts';
import type { RateLimiter } from '#platform/limits/rate-limiter.ts';
import { accessTokenSeconds } from './access-tokens.ts';
import type { AccountsService } from './accounts.service.ts';
import { tooManyMails, tooManyRequests } from './identity.errors.ts';
import type { RecoveryService } from './recovery.service.ts';
import type { SessionsService, SessionView, SignInOrigin } from './sessions.service.ts';

interface RoutesOptions {
  accounts: AccountsService;
  sessions: SessionsService;
  recovery: RecoveryService;
  authenticator: Pick<Authenticator, 'authenticate'>;
  limiter: RateLimiter;
  cookies: { secure: boolean; sameSite: 'lax' | 'strict' | 'none' };
}

/** Accounts made, and links asked for, a minute from one address. */
const perMinute = { register: 120, reset: 30 };
/** Confirmations mailed again, a minute for one account: those asked for at once do not see each other's mails. */
const resendsPerMinute = 3;

type Reply = BoundRequest<typeof identity.login>['reply'];

/** Signing in and out, accounts, passwords, sessions. */
export function addIdentityRoutes(app: FastifyInstance, options: RoutesOptions): void {
  addSessionRoutes(app, options);
  addAccountRoutes(app, options);
  addRecoveryRoutes(app, options);
}

function addSessionRoutes(app: FastifyInstance, { sessions, authenticator, cookies }: RoutesOptions): void {
  const answer = createSessionAnswer(cookies);
  bind(app, identity.login, {
    access: 'public',
    handle: async ({ body, reply, ...request }) => answer(reply, await sessions.login(body, originOf(request))),
  });
  bind(app, identity.loginWithCode, {
    access: 'public',
    handle: async ({ body, reply, ...request }) => answer(reply, await sessions.loginWithCode(body, originOf(request))),
  });
  bind(app, identity.refresh, {
    access: 'public',
    handle: async ({ body, cookies: sent, reply, origin }) =>
      answer(reply, await sessions.refresh(body?.refresh_token ?? sent.refresh_token, origin)),
  });
  bind(app, identity.logout, {
    // Also for whoever has no access token left: what ends the session then is the refresh token.
    access: 'public',
    handle: async (request) => {
      const { body, cookies: sent, origin, reply } = request;
      reply.clearCookie('access_token', { path: '/' });
      reply.clearCookie('refresh_token', { path: '/auth' });
      const all = body?.all ?? false;
      const refreshToken = body?.refresh_token ?? sent.refresh_token;
      if (refreshToken && (await sessions.logoutByRefreshToken(refreshToken, { all, request: origin }))) return null;
      const principal = await authenticator.authenticate(readCredentials(request));
      requirePermission(principal, 'account:write');
      await sessions.logout({ ...principal, request: origin }, all);
      return null;
    },
  });
  bind(app, account.listSessions, {
    access: 'account:write',
    handle: ({ principal }) => sessions.listSessions(principal),
  });
  bind(app, account.endSession, {
    access: 'account:write',
    handle: async ({ principal, params }) => {
      await sessions.endSession(principal, params.id);
      return null;
    },
  });
}

function addAccountRoutes(app: FastifyInstance, { accounts, limiter, cookies }: RoutesOptions): void {
  const answer = createSessionAnswer(cookies);
  bind(app, identity.register, {
    access: 'public',
    handle: async ({ body, reply, ...request }) => {
      limit(limiter, 'register', request.origin.address);
      return answer(reply, await accounts.register(body, originOf(request)));
    },
  });
  bind(app, account.getProfile, {
    access: 'profile:read',
    handle: ({ principal }) => accounts.getProfile(principal),
  });
  bind(app, account.updateProfile, {
    access: 'account:write',
    handle: ({ principal, body }) => accounts.updateProfile(principal, body),
  });
  bind(app, account.changePassword, {
    access: 'account:write',
    handle: async ({ principal, body }) => {
      await accounts.changePassword(principal, body);
      return null;
    },
  });
}

const askedAnswer = { message: 'If there is an account for this address, a link is on its way to it.' };
const resetAnswer = { message: 'The password is changed and all sessions have ended. Sign in with the new one.' };

function addRecoveryRoutes(app: FastifyInstance, { recovery, limiter }: RoutesOptions): void {
  bind(app, account.resetPassword, {
    access: 'public',
    handle: async ({ body: { email, token, password }, origin }) => {
      limit(limiter, 'reset', origin.address);
      if (email !== undefined && token === undefined && password === undefined) {
        await recovery.askForReset(email);
        return askedAnswer;
      }
      if (email !== undefined || token === undefined || password === undefined) throw neitherForm(token);
      await recovery.resetPassword({ token, password }, origin);
      return new AnswerWithStatus(resetAnswer, 200);
    },
  });
  bind(app, account.verifyEmail, {
    access: 'public',
    handle: ({ body, origin }) => recovery.verifyEmail(body.token, origin),
  });
  bind(app, account.resendVerification, {
    access: 'account:write',
    handle: async ({ principal }) => {
      const verdict = limiter.take(`resend:${principal.userId}`, { perMinute: resendsPerMinute });
      if (!verdict.allowed) throw tooManyMails(verdict.retryAfterSeconds);
      const email = await recovery.resendVerification(principal);
      return { message: `A link to confirm ${email} is on its way to it.` };
    },
  });
}

function neitherForm(token: string | undefined) {
  const issue = 'send `email` alone to have a link mailed, or `token` and `password` to set a new password';
  return validationFailed([{ field: token === undefined ? 'email' : 'password', issue }]);
}

function limit(limiter: RateLimiter, what: keyof typeof perMinute, address: string): void {
  const verdict = limiter.take(`${what}:${networkOf(address)}`, { perMinute: perMinute[what] });
  if (!verdict.allowed) throw tooManyRequests(verdict.retryAfterSeconds);
}

function originOf({ origin, headers }: Pick<BoundRequest<typeof identity.login>, 'origin' | 'headers'>): SignInOrigin {
  return { ...origin, userAgent: headers['user-agent'] };
}

/** What a request shows of who sends it, where the route itself is open to all. */
function readCredentials({
  headers,
  cookies,
}: Pick<BoundRequest<typeof identity.logout>, 'headers' | 'cookies'>): Credentials {
  const { authorization, 'x-api-key': apiKey } = headers;
  const isBare = authorization === undefined && apiKey === undefined;
  return {
    authorization,
    apiKey: typeof apiKey === 'string' ? apiKey : undefined,
    cookieToken: isBare ? cookies.access_token : undefined,
    organization: undefined,
    anonymousOrganization: 'demo',
  };
}

/** Answers a session in the body and in cookies. */
function createSessionAnswer(cookies: RoutesOptions['cookies']): (reply: Reply, session: SessionView) => SessionView {
  const common = { httpOnly: true, ...cookies };
  return (reply, session) => {
    reply.setCookie('access_token', session.access_token, { ...common, path: '/', maxAge: accessTokenSeconds });
    reply.setCookie('refresh_token', session.refresh_token, { ...common, path: '/auth', maxAge: 30 * 86_400 });
    return session;
  };
}
