import { accessSync, constants, mkdirSync } from 'node:fs';
import { configurationProblem } from './environment.ts';

/**
 * Makes the data folder where it is missing, readable by its owner alone, and runs what writes its first files. Throws a
 * configuration problem where the system refuses either.
 */
export function useDataDir<T>(dataDir: string, work: () => T): T {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    return work();
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw configurationProblem(`DATA_DIR ${dataDir} cannot be used (${code}): name a folder that this user may write.`);
  }
}
