import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { inject } from '#testing/inject.ts';
import type { TestMember } from '#testing/make-app.ts';
import { type MonitoringScene, makeMonitoringScene } from '#testing/monitoring-scene.ts';

let it: MonitoringScene;
beforeAll(async () => {
  it = await makeMonitoringScene();
});
afterAll(() => it.close());
beforeEach(() => it.reset());

describe('The rule', () => {
  const statusOf = async (kind: string) => {
    const [rule] = await it.rows(
      sql<{ status: string }>`select status from check_performance_alerts() where kind = ${kind}`,
    );
    return rule?.status;
  };

  test.each([
    ['cache_hit_ratio', { hits: 0, blocks: 999 }, 'unknown'],
    ['cache_hit_ratio', { hits: 899, blocks: 1_000 }, 'broken'],
    ['cache_hit_ratio', { hits: 900, blocks: 1_000 }, 'kept'],
    ['cache_hit_ratio', { hits: 899_999, blocks: 1_000_000 }, 'broken'],
    ['connections', { connections: 80 }, 'kept'],
    ['connections', { connections: 81 }, 'broken'],
    ['slow_queries', { slow: 0 }, 'kept'],
    ['slow_queries', { slow: 1 }, 'broken'],
    ['error_rate', { requests: 19, failed: 19 }, 'unknown'],
    ['error_rate', { requests: 20, failed: 1 }, 'kept'],
    ['error_rate', { requests: 20, failed: 2 }, 'broken'],
    ['error_rate', { requests: 0 }, 'unknown'],
  ])('of %s on %j is %s', async (kind, figures, status) => {
    await it.writeCheck(figures);
    expect(await statusOf(kind)).toBe(status);
  });

  test('looks at the newest check', async () => {
    await it.writeCheck({ slow: 1 });
    it.clock.now = new Date(it.clock.now.getTime() + 1);
    await it.writeCheck({ slow: 0 });
    expect(await statusOf('slow_queries')).toBe('kept');
  });

  test('is unknown before the first check, except for the jobs', async () => {
    const rules = await it.rows(
      sql<{ kind: string; status: string }>`select kind, status from check_performance_alerts()`,
    );
    expect(Object.fromEntries(rules.map(({ kind, status }) => [kind, status]))).toEqual({
      cache_hit_ratio: 'unknown',
      connections: 'unknown',
      slow_queries: 'unknown',
      error_rate: 'unknown',
      job_failures: 'kept',
    });
  });

  test('of job failures counts what the job engine has raised', async () => {
    await it.rows(sql`
      insert into system_alerts (id, kind, subject, message, opened_at)
      values (${newId()}, 'job_failures', 'read_sources', 'paused', ${it.clock.now})`);
    expect(await statusOf('job_failures')).toBe('broken');
    expect((await it.get('health')).checks).toContainEqual(
      expect.objectContaining({ name: 'job_failures', status: 'warning', value: 1 }),
    );
  });
});

describe('An alert', () => {
  const list = async (state = '') =>
    (await it.get(`alerts${state}`)).items.map(({ kind, state: is }: { kind: string; state: string }) => [kind, is]);

  test('opens once, stays open while too little is known, and ends when the rule is kept', async () => {
    it.serve(18);
    it.serve(2, { status: 500 });
    expect(await it.check()).toMatchObject({ alerts_opened: 1, alerts_ended: 0 });
    it.serve(90);
    it.serve(10, { status: 502 });
    expect(await it.check()).toMatchObject({ alerts_opened: 0, alerts_ended: 0 });
    it.serve(19);
    expect(await it.check()).toMatchObject({ alerts_opened: 0, alerts_ended: 0 });
    expect(await list('?state=open')).toEqual([['error_rate', 'open']]);
    it.serve(20);
    expect(await it.check()).toMatchObject({ alerts_opened: 0, alerts_ended: 1 });
    expect(await list('?state=open')).toEqual([]);
    expect(await list('?state=past')).toEqual([['error_rate', 'past']]);
  });

  test('says what was measured and what is too much', async () => {
    it.serve(18);
    it.serve(2, { status: 500 });
    await it.check();
    const [alert] = (await it.get('alerts')).items;
    expect(alert.message).toBe(
      '10 % of 20 requests failed on the server; more than 5 % is too many. The log says why.',
    );
    expect(alert).toMatchObject({ subject: 'api', opened_at: it.clock.now.toISOString(), ended_at: null });
    expect(await it.rows(sql`select alerts from performance_monitoring`)).toEqual([
      { alerts: [{ kind: 'error_rate', value: 10, threshold: 5 }] },
    ]);
  });

  test('is listed in pages, the newest first', async () => {
    for (let n = 0; n < 5; n += 1) {
      await it.rows(sql`
        insert into system_alerts (id, kind, subject, message, opened_at, resolved_at)
        values (${newId()}, 'error_rate', 'api', ${`number ${n}`}, ${new Date(n * 1_000)}, ${it.clock.now})`);
    }
    const messages: string[] = [];
    for (let cursor = ''; ; ) {
      const page = await it.get(`alerts?limit=2${cursor}`);
      messages.push(...page.items.map(({ message }: { message: string }) => message));
      if (page.next_cursor === null) break;
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect(messages).toEqual([4, 3, 2, 1, 0].map((n) => `number ${n}`));
  });

  test('is told to administrators alone, its beginning and its end once each', async () => {
    const organization = await it.makeOrganization();
    const other = await organization.member('owner');
    const administrator = await organization.member('viewer');
    await it.rows(sql`update users set is_instance_admin = true where id = ${administrator.userId}`);
    it.serve(20, { status: 500 });
    expect(await it.check()).toMatchObject({ alerts_told: 1 });
    it.serve(20);
    expect(await it.check()).toMatchObject({ alerts_told: 1 });
    expect(await it.check()).toMatchObject({ alerts_told: 0 });
    const read = async ({ headers }: TestMember) =>
      (await inject(it.app, { url: '/api/feed?after=0&types=system_alert', headers }))
        .json()
        .events.map(({ payload }: { payload: { kind: string; state: string } }) => [payload.kind, payload.state]);
    const told = [
      ['error_rate', 'open'],
      ['error_rate', 'past'],
    ];
    expect(await read(administrator)).toEqual(told);
    expect(await read(it.admin)).toEqual(told);
    expect(await read(other)).toEqual([]);
  });
});
