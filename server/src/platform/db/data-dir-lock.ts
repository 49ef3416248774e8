import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { useDataDir } from '../config/data-dir.ts';
import { configurationProblem } from '../config/environment.ts';

/** Held while this process owns the data folder. */
export interface DataDirLock {
  close(): void;
}

/**
 * Takes the data folder for this process. The lock is the operating system's on a file, taken through SQLite, so it
 * ends with the process however that ends, and no stale one is ever left. Throws a configuration problem when another
 * process holds it.
 */
export function lockDataDir(dataDir: string): DataDirLock {
  const lock = useDataDir(dataDir, () => new DatabaseSync(join(dataDir, 'lock'), { timeout: 0 }));
  try {
    lock.exec('begin exclusive');
  } catch (error) {
    lock.close();
    const isHeld = error instanceof Error && /locked|busy/i.test(error.message);
    if (!isHeld) throw error;
    throw configurationProblem(
      `The data folder ${dataDir} is in use by another Almanac process: stop that one, or set DATA_DIR to another folder.`,
    );
  }
  return { close: () => lock.close() };
}
