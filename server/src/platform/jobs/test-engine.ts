import { sql } from 'kysely';
import { newId } from '#kernel/ids.ts';
import { systemPrincipal } from '../access/principal.ts';
import { createLocalBus } from '../bus/bus.ts';
import type { Database } from '../db/database.ts';
import { createScopes, type OrganizationTx, type Scopes } from '../db/scopes.ts';
import { createFeed, type Feed } from '../feed/feed.ts';
import { createLog } from '../log/log.ts';
import type { JobDefinition, JobResult, OrganizationJob, OrganizationRun } from './define-job.ts';
import { createJobs, type Jobs } from './jobs.ts';

/** A clock that stands until it is moved. */
export interface StandingClock {
  now: () => Date;
  set(moment: string): Date;
}

/** Makes a clock that stands at a moment. */
function createStandingClock(moment: string): StandingClock {
  let current = new Date(moment);
  return {
    now: () => current,
    set: (next) => {
      current = new Date(next);
      return current;
    },
  };
}

/** What tests of jobs work with. */
export interface TestEngine {
  database: Database;
  scopes: Scopes;
  feed: Feed;
  clock: StandingClock;
  /** Starts an engine with these jobs. */
  start(jobs: readonly JobDefinition[], options?: { runsWorkers?: boolean; concurrency?: number }): Promise<Jobs>;
  makeOrganization(): Promise<string>;
  rows<Row>(text: string): Promise<Row[]>;
  closeEngines(): Promise<void>;
  close(): Promise<void>;
}

/** Prepares a migrated database for tests of jobs. */
export function createTestEngine(database: Database, clock = createStandingClock('2026-03-02T12:00:30Z')): TestEngine {
  const log = createLog({ level: 'silent' });
  const bus = createLocalBus();
  const scopes = createScopes({ database, log });
  const feed = createFeed({ root: database.root, bus, log });
  const engines: Jobs[] = [];
  const closeEngines = async () => {
    for (const jobs of engines.splice(0)) await jobs.close({ graceSeconds: 0 });
  };
  return {
    database,
    scopes,
    feed,
    clock,
    async start(definitions, { runsWorkers = true, ...options } = {}) {
      const jobs = createJobs({ database, scopes, feed, bus, log, now: clock.now, ...options });
      engines.push(jobs);
      await jobs.start(definitions, { runsWorkers });
      return jobs;
    },
    async makeOrganization() {
      const id = newId();
      await sql`insert into organizations (id, slug, name) values (${id}, ${id}, 'Test')`.execute(database.root);
      return id;
    },
    rows: async <Row>(text: string) => (await sql.raw<Row>(text).execute(database.root)).rows,
    closeEngines,
    async close() {
      await closeEngines();
      await feed.close();
      await database.close();
    },
  };
}

/** A job of organizations with settings that suit tests. */
export function organizationJob(
  handler: (run: OrganizationRun) => Promise<JobResult>,
  settings: Partial<OrganizationJob> = {},
): OrganizationJob {
  return {
    name: `test-${newId()}`,
    summary: 'A test',
    scope: 'organization',
    missed: 'once',
    retry: { limit: 0, delaySeconds: 0 },
    timeoutSeconds: 30,
    maxFailures: 3,
    ...settings,
    handler,
  };
}

/** A job whose calls, counted from 1, each wait to be let through. */
export function gatedJob(handler: (run: OrganizationRun, attempt: number) => Promise<JobResult>, settings = {}) {
  const begun = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let calls = 0;
  const job = organizationJob(async (run) => {
    const call = calls;
    calls += 1;
    begun[call]?.resolve();
    await gates[call]?.promise;
    return handler(run, call + 1);
  }, settings);
  return {
    job,
    begun: (call: number) => begun[call - 1]?.promise ?? Promise.resolve(),
    open: (call: number) => gates[call - 1]?.resolve(),
  };
}

/** Asks for a run in a transaction of the organization. */
export function askFor(
  engine: TestEngine,
  jobs: Jobs,
  asked: { job: OrganizationJob; organizationId: string; key?: string },
) {
  const { job, organizationId, key } = asked;
  return engine.scopes.inOrganization(systemPrincipal(organizationId), async (tx) => {
    jobs.enqueue(tx, job.name, key === undefined ? {} : { key });
  });
}

/** Leaves a mark in the organization that other transactions can list. */
export async function leaveMark(tx: OrganizationTx, name: string): Promise<void> {
  await sql`
    insert into idempotency_keys (organization_id, caller, route, key, request_hash, answer)
    values (${tx.organizationId}, 'test', 'test', ${name}, '', '{}')`.execute(tx.db);
}

/** Lists the marks that were left. */
export async function listMarks(engine: TestEngine): Promise<string[]> {
  const rows = await engine.rows<{ key: string }>('select key from idempotency_keys order by key');
  return rows.map(({ key }) => key);
}
