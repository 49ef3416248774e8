import { sql } from 'kysely';
import { recordAudit } from '#features/audit/index.ts';
import { configurationProblem } from '#platform/config/environment.ts';
import type { InstanceTx } from '#platform/db/scopes.ts';
import { AppError } from '#platform/errors/app-error.ts';
import type { Jobs } from '#platform/jobs/jobs.ts';
import { renderTable } from './commands/render-table.ts';

interface Operating {
  jobs: Pick<Jobs, 'list' | 'logs' | 'runNow' | 'configure'>;
  now: () => Date;
}

/** One word of the command line about jobs. What it answers is printed. */
interface Operation {
  readonly usage: string;
  /** How many words follow. */
  readonly takes: number;
  run(operating: Operating, words: readonly string[]): Promise<string>;
}

const operations: Readonly<Record<string, Operation>> = {
  list: { usage: 'list', takes: 0, run: ({ jobs }) => list(jobs) },
  run: {
    ...{ usage: 'run <name>', takes: 1 },
    run: async ({ jobs, now }, [name = '']) => {
      const done = { action: 'system.runJob', at: now(), target: `job:${name}` };
      const { runId } = await jobs.runNow(name, undefined, (tx) => record(tx, done));
      return `The run ${runId} of ${name} waits for a worker: almanac jobs logs ${name} tells what comes of it.\n`;
    },
  },
  pause: {
    ...{ usage: 'pause <name>', takes: 1 },
    run: async (operating, [name = '']) => {
      await configure(operating, name, { isPaused: true });
      return `${name} is paused: it runs only when asked for.\n`;
    },
  },
  resume: {
    ...{ usage: 'resume <name>', takes: 1 },
    run: async (operating, [name = '']) => {
      await configure(operating, name, { isPaused: false });
      return `${name} runs again when it is due.\n`;
    },
  },
  schedule: {
    ...{ usage: "schedule <name> '<five cron fields>' (or none)", takes: 2 },
    run: async (operating, [name = '', schedule = '']) => {
      await configure(operating, name, { schedule: schedule === 'none' ? null : schedule });
      return `${name} is due by ${schedule}.\n`;
    },
  },
  logs: { usage: 'logs <name>', takes: 1, run: ({ jobs }, [name = '']) => showLogs(jobs, name) },
};

/**
 * Does what `almanac jobs …` asks for; answers what is printed. Throws a configuration problem for words that name no
 * operation, for a job that is none, one that runs already, and a schedule that is none.
 */
export async function operateJobs(operating: Operating, [word = '', ...words]: readonly string[]): Promise<string> {
  const operation = Object.hasOwn(operations, word) ? operations[word] : undefined;
  if (!operation || words.length !== operation.takes) {
    const usages = Object.values(operations).map(({ usage }) => `almanac jobs ${usage}`);
    throw configurationProblem(`jobs takes one of:\n  ${usages.join('\n  ')}`);
  }
  try {
    return await operation.run(operating, words);
  } catch (error) {
    throw error instanceof AppError && error.status < 500 ? configurationProblem(error.message) : error;
  }
}

function configure({ jobs, now }: Operating, name: string, change: Parameters<Jobs['configure']>[1]): Promise<void> {
  const done = { action: 'system.updateJob', at: now(), target: `job:${name}`, details: { to: change } };
  return jobs.configure(name, change, (tx) => record(tx, done));
}

/** What the command line changes of the installation is entered where its first account reads. */
async function record(tx: InstanceTx, done: Parameters<typeof recordAudit>[1]): Promise<void> {
  const { rows } = await sql<{ id: string }>`select id from organizations where slug = 'local'`.execute(tx.db);
  for (const { id } of rows) await tx.inOrganization(id, (inside) => recordAudit(inside, done));
}

async function list(jobs: Operating['jobs']): Promise<string> {
  const all = await jobs.list();
  return renderTable(
    all.map((job) => ({
      name: job.name,
      schedule: job.schedule,
      zone: job.timezone,
      state: job.isPaused ? 'paused' : 'active',
      next_run: job.nextDueAt,
      last_run: job.lastRun?.startedAt,
      last_status: job.lastRun?.status,
      failures: `${job.consecutiveFailures} of ${job.maxFailures}`,
      waiting: job.waiting,
      running: job.running,
    })),
  );
}

async function showLogs(jobs: Operating['jobs'], name: string): Promise<string> {
  const entries = await jobs.logs(name, { limit: 50 });
  return renderTable(
    entries.map(({ id, organizationId, status, attempt, startedAt, durationMs, result, error }) => ({
      ...{ started: startedAt, status, attempt, ms: durationMs, organization: organizationId, result, error, id },
    })),
  );
}
