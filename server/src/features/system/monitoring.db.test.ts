import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openPostgres } from '#platform/db/database.ts';
import { createScopes } from '#platform/db/scopes.ts';
import { createTelemetry } from '#platform/telemetry/telemetry.ts';
import { type MonitoringScene, makeMonitoringScene } from '#testing/monitoring-scene.ts';
import { createReadingsReporter } from './report-readings.ts';
import { createSystemService } from './system.service.ts';

let it: MonitoringScene;
beforeAll(async () => {
  it = await makeMonitoringScene();
});
afterAll(() => it.close());
beforeEach(() => it.reset());

describe('A check', () => {
  test('sums what all processes told, each of it once', async () => {
    const { scopes, caches, log } = it.platform;
    const telemetry = createTelemetry();
    const other = createReadingsReporter({
      ...{ scopes, caches, log, telemetry, now: () => it.clock.now },
      database: { takeSlowStatements: () => [] },
    });
    it.serve(30);
    it.serve(30, { telemetry });
    it.serve(10, { status: 503, telemetry });
    await other.report();
    it.serve(5, { telemetry });
    await other.report();
    expect(await it.check()).toMatchObject({ readings: 3 });
    expect(await it.check()).toMatchObject({ readings: 1 });
    const checks = await it.rows(sql`
      select requests, failed_requests from performance_monitoring order by check_time`);
    expect(checks).toEqual([
      { requests: 75, failed_requests: 10 },
      { requests: 0, failed_requests: 0 },
    ]);
    telemetry.close();
  });

  test('counts as requests neither probes nor what scrapes metrics', async () => {
    for (const route of ['/healthz', '/readyz', '/metrics']) {
      it.platform.telemetry.observeRequest({ route, method: 'GET', status: 503, seconds: 1 });
    }
    await it.check();
    expect(await it.rows(sql`select requests from performance_monitoring`)).toEqual([{ requests: 0 }]);
  });

  test('leaves readings to the next one where it fails', async () => {
    it.serve(20, { status: 500 });
    await it.features.system.reporter.report();
    const { root } = it.platform.database;
    await expect(
      it.platform.scopes.inInstance(async ({ db }) => {
        await sql`delete from process_readings`.execute(db);
        throw new Error('lost');
      }),
    ).rejects.toThrow('lost');
    expect(await it.check()).toMatchObject({ alerts_opened: 1 });
    expect((await sql`select from process_readings`.execute(root)).rows).toEqual([]);
  });
});

describe('The health', () => {
  test('of an installation that nothing is known of is that of its database', async () => {
    const { status, checks } = await it.get('health');
    expect(status).toBe('healthy');
    const statuses = Object.fromEntries(
      checks.map((found: { name: string; status: string }) => [found.name, found.status]),
    );
    expect(statuses).toMatchObject({
      database: 'healthy',
      cache_hit_ratio: 'unknown',
      connections: 'unknown',
      slow_queries: 'unknown',
      job_failures: 'healthy',
      error_rate: 'unknown',
      event_loop_delay: 'unknown',
      queue_depth: 'healthy',
      feed_backlog: 'healthy',
      monitoring: 'unknown',
    });
    expect(checks.find(({ name }: { name: string }) => name === 'error_rate')).toMatchObject({
      value: null,
      threshold: 5,
    });
  });

  const checkOf = async (name: string) =>
    (await it.get('health')).checks.find((found: { name: string }) => found.name === name);

  test('warns of what is past its threshold, since it was first seen', async () => {
    it.serve(18);
    it.serve(2, { status: 500 });
    await it.check();
    const since = it.clock.now.toISOString();
    it.serve(18);
    it.serve(2, { status: 500 });
    await it.check();
    expect(await checkOf('error_rate')).toEqual({
      ...{ name: 'error_rate', status: 'warning', value: 10, threshold: 5, unit: 'percent', since },
    });
    expect((await it.get('health')).status).toBe('warning');
    it.serve(20, { status: 500 });
    await it.check();
    expect((await it.get('health')).status).toBe('critical');
  });

  test('takes no check for current that is older than fifteen minutes', async () => {
    it.serve(20);
    await it.check();
    expect(await checkOf('error_rate')).toMatchObject({ status: 'healthy', value: 0 });
    expect(await checkOf('monitoring')).toMatchObject({ status: 'healthy', value: 0 });
    it.clock.now = new Date(it.clock.now.getTime() + 16 * 60_000);
    const { service } = it.features.system;
    const { checks, status } = await service.readHealth();
    expect(checks).toContainEqual(expect.objectContaining({ name: 'error_rate', status: 'unknown', value: null }));
    expect(checks).toContainEqual(expect.objectContaining({ name: 'monitoring', status: 'warning', value: 16 }));
    expect(status).toBe('warning');
    expect(await service.getSystemHealth()).toBe('warning');
  });
});

describe('Where the database cannot be reached', () => {
  const openUnreachable = () => openPostgres({ connectionString: 'postgres://127.0.0.1:1/none', log: it.platform.log });

  test('the health is critical, which is an answer and no fault', async () => {
    const database = openUnreachable();
    const { log, cursors, jobs } = it.platform;
    const service = createSystemService({
      ...{ cursors, jobs, now: () => it.clock.now, readFreeDisk: async () => 50 },
      scopes: createScopes({ database, log }),
    });
    expect(await service.getSystemHealth()).toBe('critical');
    const { checks } = await service.readHealth();
    expect(checks[0]).toMatchObject({ name: 'database', status: 'critical', value: null });
    expect(checks).toContainEqual(expect.objectContaining({ name: 'disk', status: 'healthy', value: 50 }));
    await database.close();
  });

  test('what a process measured is told once it can be again, statements too', async () => {
    const database = openUnreachable();
    const { caches, log, scopes } = it.platform;
    const telemetry = createTelemetry();
    const away = createScopes({ database, log });
    let isAway = true;
    const slow = [{ statement: 'select 1', calls: 1, totalMs: 6_000, maxMs: 6_000, verySlowCalls: 1 }];
    const reporter = createReadingsReporter({
      ...{ caches, log, telemetry, now: () => it.clock.now },
      database: { takeSlowStatements: () => slow.splice(0) },
      scopes: { inInstance: (work) => (isAway ? away : scopes).inInstance(work) },
    });
    it.serve(7, { telemetry });
    await reporter.report();
    isAway = false;
    it.serve(4, { telemetry });
    await reporter.report();
    await it.check();
    expect(await it.rows(sql`select requests, slow_query_count as slow from performance_monitoring`)).toEqual([
      { requests: 11, slow: 1 },
    ]);
    expect(await it.rows(sql`select statement, calls from slow_statements`)).toEqual([
      { statement: 'select ?', calls: 1 },
    ]);
    telemetry.close();
    await database.close();
  });
});

describe('What is kept', () => {
  test('goes after 90 days, what is younger stays', async () => {
    it.serve(20);
    await it.check();
    it.clock.now = new Date(it.clock.now.getTime() + 89 * 86_400_000);
    await it.check();
    expect(await it.rows(sql`select from performance_monitoring`)).toHaveLength(2);
    it.clock.now = new Date(it.clock.now.getTime() + 86_400_000);
    expect((await it.check())?.deleted).toBeGreaterThan(1);
    expect(await it.rows(sql`select from performance_monitoring`)).toHaveLength(2);
    const [oldest] = await it.rows(sql<{ at: Date }>`select min(bucket_start) as at from system_performance_metrics`);
    expect(oldest?.at.getTime()).toBeGreaterThan(it.clock.now.getTime() - 90 * 86_400_000 - 1);
    expect(
      await it.rows(sql`select from system_performance_metrics where endpoint = 'GET /api/weekly/summary'`),
    ).toEqual([]);
  });

  test('of what a process told and no check took in is a day', async () => {
    it.serve(1);
    await it.features.system.reporter.report();
    it.clock.now = new Date(it.clock.now.getTime() + 86_400_001);
    await it.features.system.reporter.report();
    expect(await it.rows(sql`select from process_readings`)).toHaveLength(1);
  });
});
