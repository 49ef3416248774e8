import { shapeConfig } from '#platform/config/config.ts';
import { readEnvironment } from '#platform/config/environment.ts';
import { createLog } from '#platform/log/log.ts';
import { composeFeatures } from '../compose-features.ts';
import { composePlatform } from '../compose-platform.ts';
import { operateJobs } from '../operate-jobs.ts';
import { platformJobs } from '../platform-jobs.ts';
import { askRunningProcess } from './control.ts';
import { explainDatabaseFault } from './explain-database-fault.ts';

/** `almanac jobs list|run|pause|resume|schedule|logs`: what administrators do at /api/system/jobs. */
export async function runJobs(words: string[]): Promise<void> {
  const config = shapeConfig(readEnvironment());
  const answered =
    config.databaseUrl === undefined ? await askRunningProcess(config.dataDir, 'jobs', words) : undefined;
  process.stdout.write(answered ?? (await operateHere(config, words)));
}

async function operateHere(config: ReturnType<typeof shapeConfig>, words: readonly string[]): Promise<string> {
  const platform = await composePlatform({ config, log: createLog({ level: 'warn' }) }).catch((error: unknown) => {
    throw config.databaseUrl === undefined ? error : explainDatabaseFault(error);
  });
  try {
    const features = await composeFeatures(platform);
    await platform.jobs.start([...features.jobs, ...platformJobs(platform)], { runsWorkers: false });
    return await operateJobs(platform, words);
  } finally {
    await platform.jobs.close({ graceSeconds: 0 });
    await platform.close();
  }
}
