import { shapeConfig } from '#platform/config/config.ts';
import { readEnvironment } from '#platform/config/environment.ts';
import { createLog } from '#platform/log/log.ts';
import { openProduct } from '../open-product.ts';
import { operateJobs } from '../operate-jobs.ts';
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
  const product = await openProduct({ config, log: createLog({ level: 'warn' }) }).catch((error: unknown) => {
    throw config.databaseUrl === undefined ? error : explainDatabaseFault(error);
  });
  try {
    return await operateJobs(product.platform, words);
  } finally {
    await product.close();
  }
}
