import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { AppError } from '../errors/app-error.ts';
import type { RouteConfig } from './route-config.ts';

interface KnownRoute {
  readonly methods: readonly string[];
  readonly pattern: RegExp;
  readonly url: string;
}

/** Routes of third-party plugins and of the platform itself that declare no endpoint. */
const undeclaredPrefixes = ['/docs', '/openapi.json', '/healthz', '/readyz', '/metrics', '/assets', '/index.html'];

/**
 * Keeps the routes as they are added, for the answer to a wrong method, and refuses one that does not declare its
 * access, so that the server does not start with an open route.
 */
export function keepRouteTable(app: FastifyInstance): readonly KnownRoute[] {
  const routes: KnownRoute[] = [];
  app.addHook('onRoute', (route: RouteOptions) => {
    const { access } = (route.config ?? {}) as Partial<RouteConfig>;
    const isUndeclared = undeclaredPrefixes.some((prefix) => route.url.startsWith(prefix)) || route.url === '/';
    if (access === undefined && !isUndeclared) {
      throw new Error(
        `The route ${String(route.method)} ${route.url} does not declare its access: add it through bind().`,
      );
    }
    const source = route.url
      .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
      .replace(/:[^/]+/g, '[^/]+')
      .replace(/\*/g, '.*');
    routes.push({ methods: [route.method].flat(), pattern: new RegExp(`^${source}/?$`), url: route.url });
  });
  return routes;
}

/** Makes the answer where no route matched: 405 with Allow where the path has other methods, else 404. */
export function createNotFoundHandler(routes: readonly KnownRoute[]) {
  return (request: FastifyRequest, _reply: FastifyReply): never => {
    const path = request.url.split('?')[0] ?? '';
    const methods = routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods);
    if (methods.length === 0) {
      throw new AppError({
        code: 'NOT_FOUND',
        message: `There is nothing at ${path.slice(0, 200)}. See /docs for what there is.`,
      });
    }
    const allow = [...new Set(methods)].sort().join(', ');
    throw new AppError({
      code: 'METHOD_NOT_ALLOWED',
      message: `${path} does not take ${request.method}; it takes ${allow}.`,
      headers: { allow },
    });
  };
}
