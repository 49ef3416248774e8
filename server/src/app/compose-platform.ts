import { setTimeout } from 'node:timers/promises';
import { type Bus, createLocalBus } from '#platform/bus/bus.ts';
import { createNotifyBus } from '#platform/bus/notify-bus.ts';
import { createRedisBus } from '#platform/bus/redis-bus.ts';
import { type Caches, createCaches } from '#platform/cache/caches.ts';
import type { Config } from '#platform/config/config.ts';
import { deriveKey } from '#platform/crypto/derive-key.ts';
import { lockDataDir } from '#platform/db/data-dir-lock.ts';
import { type Database, openEmbedded, openPostgres } from '#platform/db/database.ts';
import { migrate } from '#platform/db/migrate.ts';
import { createScopes, type Scopes } from '#platform/db/scopes.ts';
import { createFeed, type Feed } from '#platform/feed/feed.ts';
import { type Cursors, createCursors } from '#platform/http/cursor.ts';
import { createJobs, type Jobs } from '#platform/jobs/jobs.ts';
import { createRateLimiter, type RateLimiter } from '#platform/limits/rate-limiter.ts';
import type { AccessLog, Log } from '#platform/log/log.ts';
import { createMail, type Mail } from '#platform/mail/mail.ts';
import { createOutbound, type Outbound } from '#platform/outbound/outbound.ts';
import { createTelemetry, type Telemetry } from '#platform/telemetry/telemetry.ts';

/** The mechanisms that every feature stands on, open and ready. */
export interface Platform {
  readonly config: Config;
  readonly log: Log;
  readonly accessLog: AccessLog;
  readonly now: () => Date;
  /** Waits so many milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
  readonly database: Database;
  readonly scopes: Scopes;
  readonly bus: Bus;
  readonly caches: Caches;
  readonly limiter: RateLimiter;
  readonly feed: Feed;
  readonly jobs: Jobs;
  readonly telemetry: Telemetry;
  /** The one way to services outside. */
  readonly outbound: Outbound;
  readonly mail: Mail;
  /** Where lists go on, signed. */
  readonly cursors: Cursors;
  close(): Promise<void>;
}

export interface PlatformOptions {
  config: Config;
  log: Log;
  /** Where the line of each request goes; to the log unless told. */
  accessLog?: AccessLog;
  now?: () => Date;
  pause?: (ms: number) => Promise<void>;
  /** Milliseconds of a clock that never steps back. One that is given keeps limits in the process: Redis has its own. */
  steadyNowMs?: () => number;
  /** An open, migrated database to use instead of the configured one; it stays the caller's to close. */
  database?: Database;
}

/** Opens the platform: database with its newest schema, bus, caches, feed, jobs. Closes what was opened if that fails. */
export async function composePlatform(options: PlatformOptions): Promise<Platform> {
  const { config, log, accessLog = log, now = () => new Date(), steadyNowMs = () => performance.now() } = options;
  const { pause = setTimeout } = options;
  const opened: (() => void | Promise<void>)[] = [];
  const close = async () => {
    for (const closeOne of opened.splice(0).reverse()) await closeOne();
  };
  try {
    const database = options.database ?? (await openDatabase(config, log, opened));
    if (!options.database) await migrate({ root: database.root, log });
    const scopes = createScopes({ database, log });
    const bus = createBus(config, log);
    opened.push(() => bus.close());
    const redis = config.redisUrl === undefined ? undefined : { url: config.redisUrl };
    const nowMs = () => now().getTime();
    const caches = createCaches({ bus, redis, log, now: nowMs });
    // By the steady clock: a wall clock that is set back would hold every limit until it has caught up.
    const limiter = createRateLimiter({ redis: options.steadyNowMs ? undefined : redis, log, now: steadyNowMs });
    opened.push(() => caches.close());
    opened.push(() => limiter.close());
    const telemetry = createTelemetry({ log });
    opened.push(() => telemetry.close());
    const exemptOrigins = config.issuers.map(({ issuer }) => new URL(issuer).origin);
    const outbound = createOutbound({ log, now, allow: config.outboundAllow, exemptOrigins, metrics: telemetry });
    opened.push(() => outbound.close());
    const feed = createFeed({ root: database.root, bus, log, telemetry });
    opened.push(() => feed.close());
    const mail = createMail({ scopes, config: config.mail, log, now, telemetry });
    opened.push(() => mail.close());
    const observeRun = telemetry.observeJobRun.bind(telemetry);
    const jobs = createJobs({ database, scopes, feed, bus, log, now, observeRun });
    telemetry.watchPools(() => [{ pool: 'database', ...database.poolUse() }]);
    telemetry.watchCaches(() => caches.stats().map(({ name, hits, misses }) => ({ cache: name, hits, misses })));
    return {
      config,
      log,
      accessLog,
      now,
      pause,
      database,
      scopes,
      bus,
      caches,
      limiter,
      feed,
      jobs,
      telemetry,
      outbound,
      mail,
      cursors: createCursors(deriveKey(config.jwtSecret, 'cursors')),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openDatabase(config: Config, log: Log, opened: (() => void | Promise<void>)[]): Promise<Database> {
  if (config.databaseUrl !== undefined) {
    const database = openPostgres({ connectionString: config.databaseUrl, log });
    opened.push(() => database.close());
    return database;
  }
  const lock = lockDataDir(config.dataDir);
  opened.push(() => lock.close());
  const database = await openEmbedded({ dataDir: config.dataDir });
  opened.push(() => database.close());
  return database;
}

function createBus({ redisUrl, databaseUrl }: Config, log: Log): Bus {
  if (redisUrl !== undefined) return createRedisBus({ url: redisUrl, log });
  if (databaseUrl !== undefined) return createNotifyBus({ connectionString: databaseUrl, log });
  return createLocalBus();
}
