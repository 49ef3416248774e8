import { runAdmin } from './admin.ts';
import { runConfig } from './config.ts';
import { runJobs } from './jobs.ts';
import { runMigrate } from './migrate.ts';
import { runSql } from './sql.ts';
import { runStart } from './start.ts';
import { runWeekly } from './weekly.ts';

/** One word of the command line. */
export interface Command {
  readonly usage: string;
  run(words: string[]): Promise<void>;
}

/** The command line: `almanac <command>`. */
export const commands: Readonly<Record<string, Command>> = {
  start: { usage: 'answer requests and run jobs (ALMANAC_ROLE decides which)', run: () => runStart({}) },
  worker: { usage: 'run jobs alone', run: () => runStart({ role: 'worker' }) },
  migrate: { usage: 'bring the database to the newest schema', run: runMigrate },
  config: { usage: 'print the effective configuration, secrets masked', run: runConfig },
  sql: { usage: '--organization <slug> "SELECT …"  read one organization’s tables', run: runSql },
  admin: { usage: 'add <e-mail address>  make an account an administrator of the installation', run: runAdmin },
  jobs: { usage: 'list | run | pause | resume | schedule | logs  see the jobs and change them', run: runJobs },
  weekly: { usage: 'cleanup  remove weekly data past the retention of each organization', run: runWeekly },
};
