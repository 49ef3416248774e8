import { join } from 'node:path';
import { entitlements } from '@almanac/contract/tiers.ts';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { addFeedRoutes } from '#platform/feed/feed.routes.ts';
import { createAddressLimit } from '#platform/http/address-limit.ts';
import { createAddressReader } from '#platform/http/client-address.ts';
import { createHttp } from '#platform/http/create-http.ts';
import type { RequestLimits } from '#platform/http/gate.ts';
import { addHealthRoutes } from '#platform/http/health-routes.ts';
import { addDocsPage, addOpenapi } from '#platform/http/openapi.ts';
import { isHostAllowed, isOriginAllowed } from '#platform/http/origins.ts';
import { addMailRoutes } from '#platform/mail/mail.routes.ts';
import { createRealtime, type Realtime } from '#platform/realtime/realtime.ts';
import { authenticateSocket } from './authenticate-socket.ts';
import type { Features } from './compose-features.ts';
import type { Platform } from './compose-platform.ts';

/** Requests a minute where the configuration says nothing else. */
const defaultRequestLimits: RequestLimits = {
  perMinute: (tier) => entitlements[tier].requests_per_minute,
  addressPerMinute: 1_200,
};

const webFolder = join(import.meta.dirname, '../../../web/public');

interface BuildHttpOptions {
  platform: Platform;
  features: Features;
  isDraining: () => boolean;
  limits?: RequestLimits;
}

/** The HTTP server with every route, its documentation and its sockets; it does not listen yet. */
export async function buildHttp(options: BuildHttpOptions): Promise<{ app: FastifyInstance; realtime: Realtime }> {
  const { platform, features, isDraining, limits = defaultRequestLimits } = options;
  const { config, log, accessLog, limiter, telemetry, now, feed, cursors, database } = platform;
  const app = await createHttp({
    config: config.http,
    log,
    accessLog,
    authenticator: features.identity.authenticator,
    limiter,
    limits,
    telemetry,
    onRead: features.audit.noteRead,
    isDraining,
    now: () => now().getTime(),
  });
  const realtime = createRealtime({
    httpServer: app.server,
    feed,
    cursors,
    authenticate: authenticateSocket({
      authenticator: features.identity.authenticator,
      addressLimit: createAddressLimit(limiter, limits),
    }),
    addressOf: createAddressReader(config.http.trustProxy),
    findEnded: (principals) => features.identity.findEnded(principals),
    isOriginAllowed: (origin, host) =>
      isHostAllowed(host, config.http) && (origin === undefined || isOriginAllowed(origin, host, config.http)),
    log,
    now,
    telemetry,
  });
  telemetry.watchSockets(() => realtime.readSockets());
  await addOpenapi(app);
  addHealthRoutes(app, {
    metricsToken: config.http.metricsToken,
    renderMetrics: () => telemetry.render(),
    checkDatabase: async () => void (await sql`select 1`.execute(database.root)),
    isDraining,
  });
  addFeedRoutes(app, { feed, sessions: realtime.sessions, counts: realtime.counts, telemetry, log });
  addMailRoutes(app, platform);
  features.addRoutes(app);
  features.serveEvents(realtime);
  await app.register(fastifyStatic, { root: webFolder, wildcard: false, decorateReply: false, cacheControl: false });
  await addDocsPage(app);
  await app.ready();
  return { app, realtime };
}
