import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase } from '#testing/test-database.ts';
import type { OrganizationRun } from './define-job.ts';
import { createTestEngine, organizationJob, type TestEngine } from './test-engine.ts';

let engine: TestEngine;
let organizations: string[];

beforeAll(async () => {
  engine = createTestEngine(await openTestDatabase());
  organizations = [];
  for (let index = 0; index < 5; index += 1) organizations.push(await engine.makeOrganization());
  organizations.sort();
});
afterEach(() => engine.closeEngines());
afterAll(() => engine.close());

describe('a job of organizations', () => {
  it('runs once for each of them, and logs only those that had something to do', async () => {
    const seen: string[] = [];
    const job = organizationJob(async ({ organizationId, inOrganization }) => {
      seen.push(organizationId);
      const visible = await inOrganization((tx) => tx.db.executeQuery<{ id: string }>(listVisible(tx.db)));
      expect(visible.rows.map(({ id }) => id)).toEqual([organizationId]);
      return organizationId === organizations[0] ? { rows: 7 } : undefined;
    });
    const jobs = await engine.start([job]);
    const { runId } = await jobs.runNow(job.name);
    await jobs.whenIdle();
    expect(seen.sort()).toEqual(organizations);
    const log = await jobs.logs(job.name);
    expect(log.length).toBe(2);
    expect(log.find(({ id }) => id === runId)).toMatchObject({
      status: 'succeeded',
      organizationId: null,
      result: { organizations: 5, succeeded: 1, idle: 4, failed: 0 },
    });
    expect(log.find(({ id }) => id !== runId)).toMatchObject({ organizationId: organizations[0], result: { rows: 7 } });
  });

  it('runs only where it is wanted', async () => {
    const seen: string[] = [];
    const job = organizationJob(
      async ({ organizationId }) => {
        seen.push(organizationId);
        return undefined;
      },
      { wantedIn: (now) => sql`o.id = ${organizations[2] ?? ''} and ${now}::timestamptz > '2000-01-01' or false` },
    );
    const jobs = await engine.start([job]);
    await jobs.runNow(job.name);
    await jobs.whenIdle();
    expect(seen).toEqual([organizations[2]]);
    expect(await jobs.logs(job.name)).toMatchObject([{ status: 'succeeded', result: { organizations: 1, idle: 1 } }]);
  });

  it('fails in one without touching the others, pauses there alone, and says so', async () => {
    const broken = organizations[1];
    let isBroken = true;
    const seen: string[] = [];
    const job = organizationJob(
      async ({ organizationId }) => {
        seen.push(organizationId);
        if (isBroken && organizationId === broken) throw new Error('no such account');
        return undefined;
      },
      { maxFailures: 2 },
    );
    const jobs = await engine.start([job]);
    for (let round = 0; round < 3; round += 1) {
      await jobs.runNow(job.name);
      await jobs.whenIdle();
    }
    expect(seen.length).toBe(5 + 5 + 4);
    expect(await jobs.list()).toMatchObject([{ isPaused: false, consecutiveFailures: 0, pausedOrganizations: 1 }]);
    const subject = `${job.name}/${broken}`;
    const alerts = await engine.rows(`select kind, resolved_at from system_alerts where subject = '${subject}'`);
    expect(alerts).toEqual([{ kind: 'job_failures', resolved_at: null }]);
    isBroken = false;
    await jobs.resume(job.name, broken ?? '');
    await jobs.runNow(job.name);
    await jobs.whenIdle();
    expect(seen.length).toBe(19);
    expect(await jobs.list()).toMatchObject([{ pausedOrganizations: 0 }]);
    expect(await engine.rows(`select from system_alerts where subject = '${subject}' and resolved_at is null`)).toEqual(
      [],
    );
  });

  it('never runs twice at once in one organization', async () => {
    let current = 0;
    let most = 0;
    const job = organizationJob(async () => {
      current += 1;
      most = Math.max(most, current);
      await new Promise((resolve) => setImmediate(resolve));
      current -= 1;
      return undefined;
    });
    const jobs = await engine.start([job], { concurrency: 6 });
    const principal = { kind: 'system', organizationId: organizations[0] ?? '' } as const;
    await engine.scopes.inOrganization(principal, async (tx) => {
      for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) jobs.enqueue(tx, job.name, { key });
    });
    await jobs.whenIdle();
    expect(most).toBe(1);
    expect(await jobs.queueDepth()).toEqual([]);
  });

  it('goes on with a fan-out that was cut off, without doubling a run', async () => {
    const seen: string[] = [];
    const job = organizationJob(async ({ organizationId }) => {
      seen.push(organizationId);
      return { rows: 1 };
    });
    const jobs = await engine.start([job]);
    const { runId } = await jobs.runNow(job.name);
    await jobs.whenIdle();
    // As if the worker had been lost between the fan-out and its end.
    await engine.rows(`update pgboss.job set state = 'retry', completed_on = null where id = '${runId}'`);
    await engine.rows(`update scheduled_job_logs set status = 'running', pending = 1 where id = '${runId}'`);
    await jobs.recover();
    await jobs.whenIdle();
    expect(seen.length).toBe(5);
    const entry = (await jobs.logs(job.name)).find(({ id }) => id === runId);
    expect(entry).toMatchObject({ status: 'succeeded', attempt: 2, result: { organizations: 5, succeeded: 5 } });
  });

  it('tells its progress on the feed of the organization', async () => {
    const job = organizationJob(async (run: OrganizationRun) => {
      run.progress(0.5, 'half way');
      return undefined;
    });
    const jobs = await engine.start([job]);
    const organizationId = organizations[2] ?? '';
    const { runId } = await jobs.runNow(job.name, organizationId);
    await jobs.whenIdle();
    const { events } = await engine.feed.readAfter(organizationId, { userId: organizationId }, { after: 0 });
    expect(events.at(-1)?.payload).toEqual({ job: job.name, run_id: runId, fraction: 0.5, note: 'half way' });
  });
});

function listVisible(db: TestEngine['database']['root']) {
  return { ...db.selectNoFrom([]).compile(), sql: 'select id from organizations', parameters: [] };
}
