import { shapeConfig } from '#platform/config/config.ts';
import { configurationProblem, readEnvironment } from '#platform/config/environment.ts';
import { createLog } from '#platform/log/log.ts';
import { cleanWeeks } from '../clean-weeks.ts';
import { composeFeatures } from '../compose-features.ts';
import { composePlatform } from '../compose-platform.ts';
import { askRunningProcess } from './control.ts';
import { explainDatabaseFault } from './explain-database-fault.ts';

/** `almanac weekly cleanup`: what the job remove_old_weeks does, now. */
export async function runWeekly([word, ...rest]: string[]): Promise<void> {
  if (word !== 'cleanup' || rest.length > 0)
    throw configurationProblem('weekly takes one word: almanac weekly cleanup');
  const config = shapeConfig(readEnvironment());
  const answered =
    config.databaseUrl === undefined ? await askRunningProcess(config.dataDir, 'weekly-cleanup', {}) : undefined;
  process.stdout.write(answered ?? (await cleanHere(config)));
}

async function cleanHere(config: ReturnType<typeof shapeConfig>): Promise<string> {
  const log = createLog({ level: 'warn' });
  const platform = await composePlatform({ config, log }).catch((error: unknown) => {
    throw config.databaseUrl === undefined ? error : explainDatabaseFault(error);
  });
  try {
    return await cleanWeeks(platform, await composeFeatures(platform));
  } finally {
    await platform.close();
  }
}
