import { shapeConfig } from '#platform/config/config.ts';
import { readEnvironment } from '#platform/config/environment.ts';
import { createLogs, type Log } from '#platform/log/log.ts';
import { addAdministrator } from '../add-administrator.ts';
import { cleanWeeks } from '../clean-weeks.ts';
import { operateJobs } from '../operate-jobs.ts';
import { type RunningServer, runServer } from '../run-server.ts';
import { serveControl } from './control.ts';
import { explainDatabaseFault } from './explain-database-fault.ts';
import { returnMemory } from './return-memory.ts';
import { answerSql } from './sql.ts';

/** `almanac start` and `almanac worker`: serves until the process is told to stop. */
export async function runStart({ role }: { role?: 'worker' }): Promise<void> {
  const shaped = shapeConfig(readEnvironment());
  const config = role ? { ...shaped, role } : shaped;
  const { log, accessLog } = createLogs({ level: config.logLevel });
  const server = await runServer({ config, log, accessLog }).catch((error: unknown) => {
    throw config.databaseUrl === undefined ? error : explainDatabaseFault(error);
  });
  const { platform, features } = server;
  const control =
    config.databaseUrl === undefined
      ? await serveControl(config.dataDir, {
          sql: (input) => answerSql(platform.scopes, input as Parameters<typeof answerSql>[1]),
          'admin-add': (email) => addAdministrator(platform.scopes, { email: String(email), now: platform.now() }),
          jobs: (input) => operateJobs(platform, input as string[]),
          'weekly-cleanup': () => cleanWeeks(platform, features),
        })
      : undefined;
  stopOnSignals(server, log, () => control?.close());
  returnMemory();
  log.info({ url: server.url, role: config.role, database: config.databaseUrl ? 'postgresql' : 'pglite' }, 'ready');
  await printSetupToken(server, shaped.setupToken);
  if (server.url && !config.isProduction) process.stdout.write(`\n  Almanac is ready: ${server.url}\n\n`);
}

/** Prints what the first account of a production installation needs, until there is one. */
async function printSetupToken(
  { platform, features, url }: RunningServer,
  configured: string | undefined,
): Promise<void> {
  const { setupToken } = platform.config;
  if (!url || !setupToken || configured !== undefined || (await features.identity.hasAccounts())) return;
  process.stdout.write(`\n  To register the first account, send this as setup_token: ${setupToken}\n\n`);
}

const giveUpMs = 35_000;

function stopOnSignals(server: RunningServer, log: Log, closeControl: () => void): void {
  let isStopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (isStopping) return;
    isStopping = true;
    log.info({ signal }, 'stopping');
    setTimeout(() => process.exit(1), giveUpMs).unref();
    closeControl();
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'the process did not stop cleanly');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
