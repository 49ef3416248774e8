import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase } from '#testing/test-database.ts';
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

function ask(jobs: Jobs, job: OrganizationJob, key?: string): Promise<void> {
  return askFor(engine, jobs, { job, organizationId, ...(key === undefined ? {} : { key }) });
}

/** Ends the lease of a job's runs, as when their worker has not been heard of. */
function endLease(job: OrganizationJob): Promise<unknown[]> {
  return engine.rows(
    `update pgboss.job set heartbeat_on = now() - interval '10 minutes' where name = '${job.name}' and state = 'active'`,
  );
}

/** Lets the supervisor look again at once. */
function forgetMonitoring(): Promise<unknown[]> {
  return engine.rows('update pgboss.queue set monitor_on = null, maintain_on = null');
}

describe('a worker that was paused past its lease', () => {
  it('cannot commit once another has taken its run over', async () => {
    const results: unknown[] = [];
    const { job, begun, open } = gatedJob(async (run, call) => {
      const work = run.inOrganization((tx) => leaveMark(tx, `call ${call}`));
      results.push([
        call,
        run.attempt,
        await work.then(
          () => 'committed',
          (error: Error) => error.message,
        ),
      ]);
      return { call };
    });
    const jobs = await engine.start([job], { concurrency: 3 });
    await ask(jobs, job);
    await begun(1);
    await endLease(job);
    await forgetMonitoring();
    await jobs.recover();
    await begun(2);
    open(1);
    await expect.poll(() => results.length).toBe(1);
    open(2);
    await jobs.whenIdle();
    expect(results).toEqual([
      [1, 1, expect.stringContaining('handed to another worker')],
      [2, 2, 'committed'],
    ]);
    expect(await listMarks(engine)).toEqual(['call 2']);
    expect(await jobs.logs(job.name)).toMatchObject([{ status: 'succeeded', attempt: 2, result: { call: 2 } }]);
  });

  it('is told by its signal', async () => {
    const told = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const job = organizationJob(async ({ signal, attempt }) => {
      if (attempt > 1) return undefined;
      begun.resolve();
      signal.addEventListener('abort', () => told.resolve());
      await told.promise;
      return undefined;
    });
    const jobs = await engine.start([job]);
    await ask(jobs, job);
    await begun.promise;
    await endLease(job);
    await forgetMonitoring();
    await jobs.recover();
    await told.promise;
    await jobs.whenIdle();
  });

  it('leaves a failure behind when workers keep being lost', async () => {
    const job = organizationJob(async () => ({ rows: 1 }));
    const jobs = await engine.start([job], { runsWorkers: false });
    await ask(jobs, job);
    await engine.rows(
      `update pgboss.job set state = 'retry', started_on = now(), retry_count = 2 where name = '${job.name}'`,
    );
    const working = await engine.start([job]);
    await working.whenIdle();
    expect(await working.logs(job.name)).toMatchObject([
      { status: 'failed', attempt: 4, error: expect.stringContaining('lost') },
    ]);
  });
});

describe('closing', () => {
  it('lets runs end within the grace, and takes no more', async () => {
    const { job, begun, open } = gatedJob(async (_run, call) => ({ call }));
    const jobs = await engine.start([job], { concurrency: 1 });
    await ask(jobs, job, 'one');
    await ask(jobs, job, 'two');
    await begun(1);
    const closed = jobs.close({ graceSeconds: 20 });
    open(1);
    await closed;
    const states = await engine.rows(`select state from pgboss.job where name = '${job.name}' order by state`);
    expect(states).toEqual([{ state: 'created' }, { state: 'completed' }]);
  });

  it('aborts what does not end, and leaves it to the next worker as if it had not been tried', async () => {
    const attempts: number[] = [];
    const reasons: string[] = [];
    const begun = Promise.withResolvers<void>();
    const job = organizationJob(async ({ signal, attempt }) => {
      attempts.push(attempt);
      if (attempts.length > 1) return { rows: 1 };
      begun.resolve();
      const aborted = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => aborted.resolve());
      await aborted.promise;
      reasons.push(String(signal.reason));
      throw signal.reason;
    });
    const jobs = await engine.start([job]);
    await ask(jobs, job);
    await begun.promise;
    await jobs.close({ graceSeconds: 0 });
    const next = await engine.start([job]);
    await next.whenIdle();
    expect(reasons).toEqual(['Error: The process stops.']);
    expect(attempts).toEqual([1, 1]);
    expect(await next.logs(job.name)).toMatchObject([{ status: 'succeeded', attempt: 1 }]);
  });
});
