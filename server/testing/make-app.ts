import { randomBytes } from 'node:crypto';
import type { AccountType } from '@almanac/contract/identity.ts';
import type { Role } from '@almanac/contract/permissions.ts';
import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { buildHttp } from '#app/build-http.ts';
import { composeFeatures, type Features } from '#app/compose-features.ts';
import { composePlatform, type Platform } from '#app/compose-platform.ts';
import { newId } from '#kernel/ids.ts';
import { type Config, shapeConfig } from '#platform/config/config.ts';
import type { VariableValues } from '#platform/config/variables.ts';
import type { RequestLimits } from '#platform/http/gate.ts';
import { createLog, type Log } from '#platform/log/log.ts';
import type { Realtime } from '#platform/realtime/realtime.ts';
import { openTestDatabase, shareTestDatabase } from './test-database.ts';

/** An organization of a test's own. */
export interface TestOrganization {
  readonly id: string;
  readonly slug: string;
  /** A new member of that role, signed in, with a standard account unless told: the headers of their requests. */
  member(role: Role, accountType?: AccountType): Promise<TestMember>;
}

/** A signed-in member. */
export interface TestMember {
  readonly userId: string;
  readonly token: string;
  readonly headers: { authorization: string; 'x-organization-id': string };
}

/** The whole product, with the clock in the test's hand. */
export interface TestApp {
  readonly app: FastifyInstance;
  readonly platform: Platform;
  readonly features: Features;
  readonly realtime: Realtime;
  /** What the product takes for now; set it to move time. */
  readonly clock: { now: Date };
  /** What the product has waited, in milliseconds; a test does not. */
  readonly pauses: number[];
  makeOrganization(settings?: {
    timezone?: string;
    firstDayOfWeek?: number;
    isDemo?: boolean;
  }): Promise<TestOrganization>;
  close(): Promise<void>;
}

interface TestAppOptions {
  /**
   * Whether it is alone in a new database, in which the first account becomes the administrator: for tests of what is of
   * the whole installation. Without, the files of a worker share one; what runs jobs is always alone.
   */
  ownsDatabase?: boolean;
  now?: Date;
  config?: Partial<VariableValues>;
  limits?: Partial<RequestLimits>;
  runsJobs?: boolean;
  isDraining?: () => boolean;
  log?: Log;
}

/** The embedded database works on the thread that answers, so a machine that is busy with tests delays it. */
const unlimited: RequestLimits = {
  perMinute: () => 1_000_000,
  addressPerMinute: 1_000_000,
  maxEventLoopDelayMs: Number.POSITIVE_INFINITY,
};
const secret = randomBytes(48).toString('base64');

/** The configuration of tests: no demo, no local repositories, secrets of its own. */
function testConfig(values: Partial<VariableValues> = {}): Config {
  const defaults = { JWT_SECRET: secret, ENCRYPTION_KEY: secret, ALMANAC_DEMO: false, PROJECTS_LOCAL_GIT: [], PORT: 0 };
  return shapeConfig({ ...defaults, ...values } as VariableValues);
}

/** Makes the product for a test file. Jobs run only when asked for, and then only when ticked. */
export async function makeTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const clock = { now: options.now ?? new Date('2024-12-18T12:00:00Z') };
  const pauses: number[] = [];
  const log = options.log ?? createLog({ level: 'silent' });
  const ownsDatabase = options.ownsDatabase ?? options.runsJobs ?? false;
  const database = await (ownsDatabase ? openTestDatabase() : shareTestDatabase());
  const redisUrl = process.env.TEST_REDIS_URL;
  const config = testConfig({ ...(redisUrl ? { REDIS_URL: redisUrl } : {}), ...options.config });
  const platform = await composePlatform({
    config,
    log,
    now: () => clock.now,
    steadyNowMs: () => clock.now.getTime(),
    pause: async (ms) => void pauses.push(ms),
    database,
  });
  const features = await composeFeatures(platform);
  await platform.jobs.start(features.jobs, { runsWorkers: options.runsJobs ?? false });
  const limits = { ...unlimited, ...options.limits };
  const isDraining = options.isDraining ?? (() => false);
  const { app, realtime } = await buildHttp({ platform, features, isDraining, limits });
  return {
    app,
    platform,
    features,
    realtime,
    clock,
    pauses,
    makeOrganization: (settings = {}) => makeOrganization({ app, platform }, settings),
    close: async () => {
      realtime.close();
      await platform.jobs.close({ graceSeconds: 0 });
      await app.close();
      await platform.close();
      if (ownsDatabase) await database.close();
    },
  };
}

async function makeOrganization(
  { app, platform }: Pick<TestApp, 'app' | 'platform'>,
  {
    timezone = 'UTC',
    firstDayOfWeek = 1,
    isDemo = false,
  }: { timezone?: string; firstDayOfWeek?: number; isDemo?: boolean },
): Promise<TestOrganization> {
  const id = newId();
  const slug = `test-${id}`;
  await platform.scopes.inInstance(({ db }) =>
    sql`insert into organizations (id, slug, name, timezone, first_day_of_week, is_demo)
      values (${id}, ${slug}, 'Test', ${timezone}, ${firstDayOfWeek}, ${isDemo})`.execute(db),
  );
  const member = async (role: Role, accountType: AccountType = 'standard'): Promise<TestMember> => {
    const answer = await app.inject({
      method: 'POST',
      url: '/auth/register',
      body: { email: `${newId()}@example.org`, password: 'correct horse battery', account_type: accountType },
      remoteAddress: `10.${randomBytes(1)[0]}.${randomBytes(1)[0]}.${randomBytes(1)[0]}`,
    });
    if (answer.statusCode !== 201) throw new Error(`registering answered ${answer.statusCode}: ${answer.body}`);
    const { user, access_token: token } = answer.json<{ user: { id: string }; access_token: string }>();
    await platform.scopes.inInstance(({ db }) =>
      sql`insert into user_organizations (organization_id, user_id, role, created_at)
        values (${id}, ${user.id}, ${role}, ${platform.now()})`.execute(db),
    );
    return { userId: user.id, token, headers: { authorization: `Bearer ${token}`, 'x-organization-id': id } };
  };
  return { id, slug, member };
}
