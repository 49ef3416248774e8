import { getProfile, login, logout, refresh, register } from '@almanac/contract/identity.ts';
import type { FastifyInstance } from 'fastify';
import { type BoundRequest, bind } from '#platform/http/bind.ts';
import type { RateLimiter } from '#platform/limits/rate-limiter.ts';
import { accessTokenSeconds } from './access-tokens.ts';
import { tooManyLogins } from './identity.errors.ts';
import type { IdentityService, SessionView } from './identity.service.ts';

interface RoutesOptions {
  service: IdentityService;
  limiter: RateLimiter;
  cookies: { secure: boolean; sameSite: 'lax' | 'strict' | 'none' };
}

/** Attempts a minute from one address to sign in or register. */
const attemptsPerMinute = 20;

type Reply = BoundRequest<typeof login>['reply'];

/** POST /auth/register, /auth/login, /auth/refresh, /auth/logout; GET /users/profile. */
export function addIdentityRoutes(app: FastifyInstance, { service, limiter, cookies }: RoutesOptions): void {
  const limitAttempts = (address: string) => {
    const verdict = limiter.take(`sign-in:${address}`, { perMinute: attemptsPerMinute });
    if (!verdict.allowed) throw tooManyLogins(verdict.retryAfterSeconds);
  };
  const setCookies = (reply: Reply, session: SessionView): SessionView => {
    const common = { httpOnly: true, ...cookies };
    reply.setCookie('access_token', session.access_token, { ...common, path: '/', maxAge: accessTokenSeconds });
    reply.setCookie('refresh_token', session.refresh_token, { ...common, path: '/auth', maxAge: 30 * 86_400 });
    return session;
  };

  bind(app, register, {
    access: 'public',
    handle: async ({ body, address, reply }) => {
      limitAttempts(address);
      return setCookies(reply, await service.register(body));
    },
  });
  bind(app, login, {
    access: 'public',
    handle: async ({ body, address, reply }) => {
      limitAttempts(address);
      return setCookies(reply, await service.login(body));
    },
  });
  bind(app, refresh, {
    access: 'public',
    handle: async ({ body, cookies: sent, reply }) =>
      setCookies(reply, await service.refresh(body?.refresh_token ?? sent.refresh_token)),
  });
  bind(app, logout, {
    access: 'profile:read',
    handle: async ({ principal, reply }) => {
      await service.logout(principal);
      reply.clearCookie('access_token', { path: '/' });
      reply.clearCookie('refresh_token', { path: '/auth' });
      return null;
    },
  });
  bind(app, getProfile, { access: 'profile:read', handle: ({ principal }) => service.getProfile(principal) });
}
