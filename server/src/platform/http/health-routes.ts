import { timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isLoopbackHost } from '../config/config.ts';
import { invalidMetricsToken } from './metrics-errors.ts';

interface HealthOptions {
  metricsToken: string | undefined;
  renderMetrics: () => Promise<{ contentType: string; body: string }>;
  /** Resolves when the database answers; rejects otherwise. */
  checkDatabase: () => Promise<void>;
  isDraining: () => boolean;
}

const hidden = { schema: { hide: true }, config: { isAlwaysServed: true } };

/** GET /healthz (alive), /readyz (can serve), /metrics (Prometheus). */
export function addHealthRoutes(app: FastifyInstance, options: HealthOptions): void {
  app.get('/healthz', hidden, () => ({ status: 'alive' }));
  app.get('/readyz', hidden, async (_request, reply) => {
    if (options.isDraining()) return reply.code(503).header('retry-after', '1').send({ status: 'draining' });
    try {
      await options.checkDatabase();
      return { status: 'ready' };
    } catch {
      return reply.code(503).header('retry-after', '1').send({ status: 'database unavailable' });
    }
  });
  app.get('/metrics', hidden, async (request: FastifyRequest, reply: FastifyReply) => {
    if (!mayReadMetrics(request, options.metricsToken)) throw invalidMetricsToken();
    const { contentType, body } = await options.renderMetrics();
    return reply.header('content-type', contentType).send(body);
  });
}

/** Without a token, only who connects from this machine itself: what a proxy passes on comes from elsewhere. */
function mayReadMetrics(request: FastifyRequest, token: string | undefined): boolean {
  const { authorization, forwarded, 'x-forwarded-for': forwardedFor } = request.headers;
  if (token === undefined) {
    const address = (request.socket.remoteAddress ?? '').replace('::ffff:', '');
    return isLoopbackHost(address) && forwarded === undefined && forwardedFor === undefined;
  }
  const given = Buffer.from(authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
