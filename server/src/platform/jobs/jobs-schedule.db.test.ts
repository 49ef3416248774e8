import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { openTestDatabase } from '#testing/test-database.ts';
import type { InstanceJob, InstanceRun, JobResult } from './define-job.ts';
import { createTestEngine, type TestEngine } from './test-engine.ts';

let engine: TestEngine;

beforeAll(async () => {
  engine = createTestEngine(await openTestDatabase());
});
afterEach(() => engine.closeEngines());
afterAll(() => engine.close());

function instanceJob(
  settings: Partial<InstanceJob>,
  handler: (run: InstanceRun) => Promise<JobResult> = async () => ({ done: 1 }),
): InstanceJob {
  return {
    name: `test-${newId()}`,
    summary: 'A test',
    scope: 'instance',
    schedule: '0 * * * *',
    missed: 'once',
    retry: { limit: 0, delaySeconds: 0 },
    timeoutSeconds: 30,
    maxFailures: 3,
    ...settings,
    handler,
  };
}

function recording(settings: Partial<InstanceJob>) {
  const slots: string[] = [];
  const job = instanceJob(settings, async ({ slot }) => {
    slots.push(slot.toISOString().slice(5, 16));
    return { done: 1 };
  });
  return { job, slots };
}

async function startAt(moment: string, job: InstanceJob) {
  engine.clock.set(moment);
  return engine.start([job]);
}

describe('a scheduled job', () => {
  it('runs at each due time, once', async () => {
    const { job, slots } = recording({});
    const jobs = await startAt('2026-03-02T12:00:30Z', job);
    for (const moment of ['12:59:59', '13:00:00', '13:00:01', '13:30:00', '14:00:00']) {
      await jobs.tick(engine.clock.set(`2026-03-02T${moment}Z`));
      await jobs.whenIdle();
    }
    expect(slots).toEqual(['03-02T13:00', '03-02T14:00']);
    const [last] = await jobs.logs(job.name);
    expect(last).toMatchObject({ status: 'succeeded', result: { done: 1 }, organizationId: null, attempt: 1 });
    const [status] = await jobs.list();
    expect(status).toMatchObject({ name: job.name, waiting: 0, running: 0, lastRun: { status: 'succeeded' } });
    expect(status?.nextDueAt).toEqual(new Date('2026-03-02T15:00:00Z'));
  });

  it('does not run again for a due time when the clock goes back', async () => {
    const { job, slots } = recording({});
    const jobs = await startAt('2026-03-02T12:30:00Z', job);
    for (const moment of ['13:00:00', '12:59:00', '13:00:05', '14:00:00']) {
      await jobs.tick(engine.clock.set(`2026-03-02T${moment}Z`));
      await jobs.whenIdle();
    }
    expect(slots).toEqual(['03-02T13:00', '03-02T14:00']);
  });

  it('goes on after a clock that stood far ahead for a while', async () => {
    const { job, slots } = recording({});
    const jobs = await startAt('2026-03-02T12:30:00Z', job);
    for (const moment of ['2036-03-02T13:00:00Z', '2026-03-02T13:00:00Z', '2026-03-02T14:00:00Z']) {
      await jobs.tick(engine.clock.set(moment));
      await jobs.whenIdle();
    }
    expect(slots).toEqual(['03-02T13:00', '03-02T13:00', '03-02T14:00']);
  });

  it.each([
    { missed: 'skip' as const, expected: ['03-02T16:00'] },
    { missed: 'once' as const, expected: ['03-02T15:00', '03-02T16:00'] },
    { missed: 'all' as const, expected: ['03-02T13:00', '03-02T14:00', '03-02T15:00', '03-02T16:00'] },
  ])('makes up for due times that passed while nothing ran: $missed', async ({ missed, expected }) => {
    const { job, slots } = recording({ missed });
    await startAt('2026-03-02T12:30:00Z', job);
    await engine.closeEngines();
    const jobs = await startAt('2026-03-02T15:20:00Z', job);
    await jobs.whenIdle();
    await jobs.tick(engine.clock.set('2026-03-02T16:00:00Z'));
    await jobs.whenIdle();
    expect(slots.sort()).toEqual(expected);
    const skipped = (await jobs.logs(job.name)).filter(({ status }) => status === 'skipped');
    expect(skipped.length).toBe(missed === 'skip' ? 1 : 0);
  });

  it('takes up a schedule that an operator gives it, and keeps it over a restart', async () => {
    const { job, slots } = recording({});
    const jobs = await startAt('2026-03-02T12:30:00Z', job);
    await jobs.configure(job.name, { schedule: '15 * * * *' });
    await jobs.tick(engine.clock.set('2026-03-02T13:00:00Z'));
    await engine.closeEngines();
    const again = await startAt('2026-03-02T13:10:00Z', job);
    await again.tick(engine.clock.set('2026-03-02T13:15:00Z'));
    await again.whenIdle();
    expect(slots).toEqual(['03-02T13:15']);
    await expect(again.configure(job.name, { schedule: '99 * * * *' })).rejects.toThrow(/schedule/);
    await expect(again.configure('no-such-job', {})).rejects.toThrow(/no job/);
  });

  it('runs nothing while paused but what an operator asks for, and makes up for nothing afterwards', async () => {
    const { job, slots } = recording({ missed: 'all' });
    const jobs = await startAt('2026-03-02T12:30:00Z', job);
    await jobs.configure(job.name, { isPaused: true });
    await jobs.tick(engine.clock.set('2026-03-02T14:10:00Z'));
    await jobs.whenIdle();
    expect(slots).toEqual([]);
    const { runId } = await jobs.runNow(job.name);
    await jobs.whenIdle();
    expect(slots).toEqual(['03-02T14:10']);
    expect((await jobs.logs(job.name))[0]?.id).toBe(runId);
    await jobs.configure(job.name, { isPaused: false });
    await jobs.tick(engine.clock.set('2026-03-02T15:00:00Z'));
    await jobs.whenIdle();
    expect(slots).toEqual(['03-02T14:10', '03-02T15:00']);
  });

  it('pauses itself after too many failures in a row, with an alert that ends when it is resumed', async () => {
    let isBroken = true;
    const job = instanceJob({ maxFailures: 2 }, async () => {
      if (isBroken) throw new Error('the disk is full');
      return { done: 1 };
    });
    const jobs = await startAt('2026-03-02T12:30:00Z', job);
    for (const moment of ['13:00', '14:00', '15:00']) {
      await jobs.tick(engine.clock.set(`2026-03-02T${moment}:00Z`));
      await jobs.whenIdle();
    }
    const log = await jobs.logs(job.name);
    expect(log.map(({ status, error }) => [status, error])).toEqual([
      ['failed', 'the disk is full'],
      ['failed', 'the disk is full'],
    ]);
    expect(await jobs.list()).toMatchObject([{ isPaused: true, consecutiveFailures: 2, nextDueAt: null }]);
    const alerts = () =>
      engine.rows<{ message: string; resolved_at: Date | null }>(
        `select message, resolved_at from system_alerts where subject = '${job.name}'`,
      );
    expect(await alerts()).toMatchObject([{ message: expect.stringContaining('the disk is full'), resolved_at: null }]);
    isBroken = false;
    await jobs.configure(job.name, { isPaused: false });
    expect((await alerts())[0]?.resolved_at).toEqual(engine.clock.now());
    await jobs.tick(engine.clock.set('2026-03-02T16:00:00Z'));
    await jobs.whenIdle();
    expect((await jobs.logs(job.name))[0]?.status).toBe('succeeded');
  });

  it('refuses to be asked for while it runs', async () => {
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const job = instanceJob({}, async () => {
      begun.resolve();
      await gate.promise;
      return undefined;
    });
    const jobs = await startAt('2026-03-02T12:30:00Z', job);
    await jobs.runNow(job.name);
    await begun.promise;
    await expect(jobs.runNow(job.name)).rejects.toMatchObject({ code: 'IN_PROGRESS', status: 409 });
    expect(await jobs.queueDepth()).toContainEqual({ job: job.name, waiting: 0, running: 1 });
    gate.resolve();
    await jobs.whenIdle();
    await jobs.runNow(job.name);
    await jobs.whenIdle();
  });

  it('waits for the jobs it feeds on', async () => {
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const input = instanceJob({ schedule: '0 * * * *' }, async () => {
      begun.resolve();
      await gate.promise;
      order.push('input');
      return undefined;
    });
    const reader = instanceJob({ schedule: '0 * * * *', after: [input.name] }, async ({ staleInputs, attempt }) => {
      order.push(`reader ${staleInputs.length} ${attempt}`);
      return undefined;
    });
    engine.clock.set('2026-03-02T12:30:00Z');
    const jobs = await engine.start([reader, input]);
    await jobs.tick(engine.clock.set('2026-03-02T13:00:00Z'));
    await begun.promise;
    const { rows } = engine;
    const state = () => rows<{ state: string }>(`select state from pgboss.job where name = '${reader.name}'`);
    await expect.poll(async () => (await state())[0]?.state).toBe('retry');
    gate.resolve();
    await jobs.whenIdle();
    await rows(`update pgboss.job set start_after = now() where name = '${reader.name}'`);
    await jobs.recover();
    await jobs.whenIdle();
    expect(order).toEqual(['input', 'reader 0 1']);
  });

  it('runs on stale input after a quarter of an hour, and is told so', async () => {
    const told: (readonly string[])[] = [];
    const gate = Promise.withResolvers<void>();
    const input = instanceJob({}, async () => gate.promise.then(() => undefined));
    const reader = instanceJob({ after: [input.name] }, async ({ staleInputs }) => {
      told.push(staleInputs);
      gate.resolve();
      return undefined;
    });
    engine.clock.set('2026-03-02T12:30:00Z');
    const jobs = await engine.start([reader, input]);
    await jobs.tick(engine.clock.set('2026-03-02T13:16:00Z'));
    await jobs.whenIdle();
    expect(told).toEqual([[input.name]]);
  });

  it('forgets what is older than 90 days, but not where it was', async () => {
    const { job } = recording({});
    const jobs = await startAt('2026-03-02T12:30:00Z', job);
    for (const moment of ['13:00', '14:00']) {
      await jobs.tick(engine.clock.set(`2026-03-02T${moment}:00Z`));
      await jobs.whenIdle();
    }
    await jobs.deleteOld(engine.clock.set('2026-06-10T00:00:00Z'));
    expect(await jobs.logs(job.name)).toEqual([]);
    expect(await engine.rows(`select slot from job_slots where job_name = '${job.name}'`)).toEqual([
      { slot: new Date('2026-03-02T14:00:00Z') },
    ]);
  });

  it('shows its log in pages', async () => {
    const { job } = recording({});
    const jobs = await startAt('2026-03-02T12:30:00Z', job);
    for (const moment of ['13:00', '14:00', '15:00']) {
      await jobs.tick(engine.clock.set(`2026-03-02T${moment}:00Z`));
      await jobs.whenIdle();
    }
    const page = await jobs.logs(job.name, { limit: 2 });
    const last = page[1];
    if (!last) throw new Error('no page');
    const rest = await jobs.logs(job.name, { before: { startedAt: last.startedAt, id: last.id } });
    const hours = [...page, ...rest].map(({ slot }) => slot.getUTCHours());
    expect(hours).toEqual([15, 14, 13]);
  });
});
