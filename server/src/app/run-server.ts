import { createHmac } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { findCheckout } from '#connectors/local-git/find-checkout.ts';
import { getOrganizationSettings } from '#features/organizations/index.ts';
import { systemPrincipal } from '#platform/access/principal.ts';
import { configurationProblem } from '#platform/config/environment.ts';
import type { RequestLimits } from '#platform/http/gate.ts';
import { buildHttp } from './build-http.ts';
import { closeHttp } from './close-http.ts';
import { composeFeatures, type Features } from './compose-features.ts';
import { composePlatform, type Platform, type PlatformOptions } from './compose-platform.ts';
import { listSettingWarnings } from './list-setting-warnings.ts';
import { makeMonths } from './make-months.ts';
import { platformJobs } from './platform-jobs.ts';

/** A running process. */
export interface RunningServer {
  /** Where it answers; undefined for a worker. */
  readonly url: string | undefined;
  readonly platform: Platform;
  readonly features: Features;
  /** Readiness off, no new work, what runs may end within the grace, then everything is closed. */
  stop(options?: { graceSeconds?: number }): Promise<void>;
}

interface RunOptions extends PlatformOptions {
  limits?: RequestLimits;
}

/** Starts the process in its configured role and resolves when it serves. Throws a configuration problem it cannot start with. */
export async function runServer(options: RunOptions): Promise<RunningServer> {
  const config = withSetupToken(options.config);
  for (const warning of listSettingWarnings(config)) options.log.warn(warning);
  const platform = await composePlatform({ ...options, config });
  let isDraining = false;
  try {
    await tryToMakeMonths(platform);
    const features = await composeFeatures(platform);
    await platform.jobs.start([...features.jobs, ...platformJobs(platform)], { runsWorkers: config.role !== 'api' });
    platform.telemetry.watchQueues(() => readQueues(platform));
    features.system.reporter.start();
    await fillBuiltIns(platform, features);
    const http =
      config.role === 'worker'
        ? undefined
        : await buildHttp({ ...options, platform, features, isDraining: () => isDraining });
    const url = http && (await listen(http.app, platform));
    return {
      url,
      platform,
      features,
      stop: async ({ graceSeconds = 30 } = {}) => {
        isDraining = true;
        await Promise.all([
          http?.realtime.drain({ overMs: Math.min(2_000, graceSeconds * 100) }).then(() => {
            http.realtime.close();
            // Streams of events too: their clients come back elsewhere, and go on from where they were.
            platform.feed.endFollowing();
          }),
          platform.jobs.close({ graceSeconds }),
        ]);
        if (http) await closeHttp(http.app);
        features.close();
        await features.system.reporter.close();
        await platform.close();
      },
    };
  } catch (error) {
    await platform.jobs.close({ graceSeconds: 0 });
    await platform.close();
    throw error;
  }
}

/**
 * In production the first account needs a token. Where none is configured every process derives the same one, at every
 * start, because whichever process answers must know it.
 */
function withSetupToken(config: PlatformOptions['config']): PlatformOptions['config'] {
  if (!config.isProduction || config.setupToken !== undefined) return config;
  const setupToken = createHmac('sha256', config.jwtSecret).update('setup token').digest('hex').slice(0, 32);
  return { ...config, setupToken };
}

async function readQueues({ jobs }: Platform): Promise<Record<string, number>> {
  const depths = await jobs.queueDepth();
  return Object.fromEntries(depths.map(({ job, waiting }) => [job, waiting]));
}

/** A start does not hang on the months: what belongs to them is kept elsewhere until the daily job makes them. */
async function tryToMakeMonths(platform: Platform): Promise<void> {
  try {
    await makeMonths(platform);
  } catch (error) {
    platform.log.warn({ err: error }, 'the partitions of some months could not be made');
  }
}

/** Fills the demo up to now and has the operator's repositories read, so that the first page shows something. */
async function fillBuiltIns({ config, scopes, log }: Platform, { builtIns, weekly, sources }: Features): Promise<void> {
  const { demoOrganizationId, localOrganizationId } = builtIns;
  if (demoOrganizationId) {
    await scopes.inOrganization(systemPrincipal(demoOrganizationId), async (tx) =>
      weekly.fillDemo(tx, await getOrganizationSettings(tx)),
    );
  }
  const checkouts = await findCheckouts({ config, log });
  await scopes.inOrganization(systemPrincipal(localOrganizationId), (tx) =>
    sources.putLocalRepositories(tx, [...new Set(checkouts)]),
  );
}

/** The checkouts that the configuration names, else the one that the process was started in, if any. */
async function findCheckouts({ config, log }: Pick<Platform, 'config' | 'log'>): Promise<string[]> {
  const paths = config.localGitPaths ?? [process.cwd()];
  const found = await Promise.all(paths.map(async (path) => ({ path, checkout: await findCheckout(path) })));
  for (const { path, checkout } of found) {
    if (checkout !== undefined || config.localGitPaths === undefined) continue;
    log.warn(
      { path },
      'PROJECTS_LOCAL_GIT names a folder that holds no git repository this user may read: it is left out',
    );
  }
  return found.flatMap(({ checkout }) => checkout ?? []);
}

async function listen(app: Awaited<ReturnType<typeof buildHttp>>['app'], { config }: Platform): Promise<string> {
  const { host, port } = config.http;
  try {
    await app.listen({ host, port });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE')
      throw configurationProblem(`PORT ${port} is in use on ${host}: stop the other program, or set PORT.`);
    if (code === 'EACCES')
      throw configurationProblem(`PORT ${port} may not be opened by this user: set PORT to 1024 or higher.`);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw configurationProblem(`HOST got '${host}': this machine has no such address.`);
    throw error;
  }
  const address = app.server.address() as AddressInfo;
  const name = config.http.isLoopback ? 'localhost' : host;
  return `http://${name}:${address.port}`;
}
