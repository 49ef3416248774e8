import '@fastify/cookie';
import type { UserPrincipal } from '../access/principal.ts';
import type { RouteConfig } from './route-config.ts';

declare module 'fastify' {
  interface FastifyContextConfig extends Partial<RouteConfig> {}

  interface FastifyRequest {
    /** Who asks; set by the gate on every route that is not public. */
    principal: UserPrincipal;
  }
}
