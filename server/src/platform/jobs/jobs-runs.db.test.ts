import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase } from '#testing/test-database.ts';
import { systemPrincipal } from '../access/principal.ts';
import type { OrganizationTx } from '../db/scopes.ts';
import type { OrganizationJob } from './define-job.ts';
import type { Jobs } from './jobs.ts';
import {
  askFor,
  createTestEngine,
  gatedJob,
  leaveMark,
  listMarks,
  organizationJob,
  type TestEngine,
} from './test-engine.ts';

let engine: TestEngine;
let organizationId: string;

beforeAll(async () => {
  engine = createTestEngine(await openTestDatabase());
  organizationId = await engine.makeOrganization();
});
afterEach(() => engine.closeEngines());
afterAll(() => engine.close());

function inOrganization<T>(work: (tx: OrganizationTx) => Promise<T>): Promise<T> {
  return engine.scopes.inOrganization(systemPrincipal(organizationId), work);
}

function ask(jobs: Jobs, job: OrganizationJob, key?: string): Promise<void> {
  return askFor(engine, jobs, { job, organizationId, ...(key === undefined ? {} : { key }) });
}

describe('a run that is asked for', () => {
  it('comes with the commit and not with a rollback', async () => {
    const keys: (string | undefined)[] = [];
    const job = organizationJob(async ({ key }) => {
      keys.push(key);
      return undefined;
    });
    const jobs = await engine.start([job]);
    await expect(
      inOrganization(async (tx) => {
        jobs.enqueue(tx, job.name, { key: 'lost' });
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    await ask(jobs, job, 'kept');
    await jobs.whenIdle();
    expect(keys).toEqual(['kept']);
  });

  it('is named by its id, which is that of a run that waits already', async () => {
    const ran: string[] = [];
    const job = organizationJob(async ({ runId }) => {
      ran.push(runId);
      return undefined;
    });
    const asking = await engine.start([job], { runsWorkers: false });
    const enqueue = (key: string) => inOrganization(async (tx) => asking.enqueue(tx, job.name, { key }));
    const asked = [await enqueue('a'), await enqueue('a'), await enqueue('b')].map(({ id }) => id);
    expect(asked[1]).toBe(asked[0]);
    const jobs = await engine.start([job]);
    await jobs.whenIdle();
    expect(ran.sort()).toEqual([...new Set(asked)].sort());
  });

  it('leaves the transaction in its own role', async () => {
    const job = organizationJob(async () => undefined);
    const jobs = await engine.start([job]);
    const roles: unknown[] = [];
    await inOrganization(async (tx) => {
      jobs.enqueue(tx, job.name);
      tx.beforeCommit(async () => {
        roles.push(...(await sql`select current_user as role`.execute(tx.db)).rows);
      });
    });
    await jobs.whenIdle();
    expect(roles).toEqual([{ role: 'almanac_system' }]);
  });

  it('runs even when the process dies right after the commit', async () => {
    let runs = 0;
    const job = organizationJob(async () => {
      runs += 1;
      return undefined;
    });
    const asking = await engine.start([job], { runsWorkers: false });
    await ask(asking, job);
    await engine.closeEngines();
    const jobs = await engine.start([job]);
    await jobs.whenIdle();
    expect(runs).toBe(1);
  });

  it('counts for all that ask before it begins, and another follows for what is asked while it runs', async () => {
    const { job, begun, open } = gatedJob(async (_run, attempt) => ({ attempt }));
    const jobs = await engine.start([job]);
    await ask(jobs, job);
    await begun(1);
    for (let times = 0; times < 3; times += 1) await ask(jobs, job);
    expect(await jobs.queueDepth()).toContainEqual({ job: job.name, waiting: 1, running: 1 });
    open(1);
    open(2);
    await jobs.whenIdle();
    expect((await jobs.logs(job.name)).map(({ result }) => result?.attempt).sort()).toEqual([1, 2]);
  });

  it('is let go when its organization is gone', async () => {
    let runs = 0;
    const job = organizationJob(async () => {
      runs += 1;
      return undefined;
    });
    const gone = await engine.makeOrganization();
    const asking = await engine.start([job], { runsWorkers: false });
    await askFor(engine, asking, { job, organizationId: gone });
    await engine.rows(`delete from organizations where id = '${gone}'`);
    const jobs = await engine.start([job]);
    await jobs.whenIdle();
    expect(runs).toBe(0);
    expect(await jobs.queueDepth()).toEqual([]);
    expect(await jobs.logs(job.name)).toEqual([]);
  });

  it('is refused for a job that is not of organizations', async () => {
    const jobs = await engine.start([]);
    await expect(inOrganization(async (tx) => jobs.enqueue(tx, 'nothing'))).rejects.toThrow(/no job 'nothing'/);
  });
});

describe('a run that fails', () => {
  it('is tried again, and logged once with what came of it', async () => {
    const attempts: number[] = [];
    const job = organizationJob(
      async ({ attempt }) => {
        attempts.push(attempt);
        if (attempt < 3) throw new Error(`attempt ${attempt} \0`);
        return { rows: 1 };
      },
      { retry: { limit: 2, delaySeconds: 0 } },
    );
    const jobs = await engine.start([job]);
    await ask(jobs, job);
    await jobs.whenIdle();
    expect(attempts).toEqual([1, 2, 3]);
    expect(await jobs.logs(job.name)).toMatchObject([
      { status: 'succeeded', attempt: 3, error: null, organizationId, result: { rows: 1 } },
    ]);
    expect(await jobs.list()).toMatchObject([{ consecutiveFailures: 0 }]);
  });

  it('waits for longer before each new attempt', async () => {
    const job = organizationJob(() => Promise.reject(new Error('no')), { retry: { limit: 3, delaySeconds: 60 } });
    const jobs = await engine.start([job]);
    await ask(jobs, job);
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await jobs.whenIdle();
      const [row] = await engine.rows<{ wait: number }>(`
        select extract(epoch from start_after - now())::float8 as wait from pgboss.job where name = '${job.name}'`);
      waits.push(row?.wait ?? 0);
      await engine.rows(`update pgboss.job set start_after = now() where name = '${job.name}' and state = 'retry'`);
      await jobs.recover();
    }
    await jobs.whenIdle();
    expect(waits[0]).toBeGreaterThan(25);
    expect(waits[2]).toBeGreaterThan(115);
    expect(await jobs.logs(job.name)).toMatchObject([{ status: 'failed', attempt: 4, error: 'no' }]);
  });

  it('ends at its time-out even when its handler does not heed the signal, and cannot commit afterwards', async () => {
    const gate = Promise.withResolvers<void>();
    const committed = Promise.withResolvers<unknown>();
    const job = organizationJob(
      async ({ signal, inOrganization: inside }) => {
        await gate.promise;
        expect(signal.aborted).toBe(true);
        inside((tx) => leaveMark(tx, 'after time-out')).then(committed.resolve, committed.resolve);
        return undefined;
      },
      { timeoutSeconds: 0.01 },
    );
    const jobs = await engine.start([job]);
    await ask(jobs, job);
    await jobs.whenIdle();
    expect(await jobs.logs(job.name)).toMatchObject([
      { status: 'failed', error: expect.stringContaining('0.01 seconds') },
    ]);
    gate.resolve();
    expect(await committed.promise).toMatchObject({ code: 'CONFLICT' });
    expect(await listMarks(engine)).toEqual([]);
  });
});
