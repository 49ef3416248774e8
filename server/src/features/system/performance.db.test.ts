import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { inject } from '#testing/inject.ts';
import { type MonitoringScene, makeMonitoringScene } from '#testing/monitoring-scene.ts';

let it: MonitoringScene;
beforeAll(async () => {
  it = await makeMonitoringScene();
});
afterAll(() => it.close());
beforeEach(() => it.reset());

const route = 'GET /api/weekly/summary';
const hoursAgo = (hours: number) => new Date(it.clock.now.getTime() - hours * 3_600_000).toISOString();

describe('The performance report', () => {
  test('tells response times, of all requests and by route, with their percentiles', async () => {
    it.serve(98, { seconds: 0.02 });
    it.serve(2, { seconds: 2, status: 500 });
    await it.check();
    const { response_times: times, error_rate: errors, ...report } = await it.get('performance');
    const summary = times.by_route.find((found: { route: string }) => found.route === route);
    expect(summary).toMatchObject({ route, requests: 100, failed: 2 });
    expect(summary.p50_ms).toBeGreaterThan(10);
    expect(summary.p50_ms).toBeLessThan(25);
    expect(summary.p99_ms).toBeGreaterThan(1_000);
    expect(times.series).toHaveLength(1);
    expect(times.series[0].requests).toBe(times.requests);
    expect(times.requests).toBeGreaterThanOrEqual(100);
    expect(errors.latest).toBeCloseTo((100 * 2) / times.requests, 1);
    expect(errors.mean).toBe(errors.latest);
    expect(report).toMatchObject({ bucket_seconds: 300, as_of: it.clock.now.toISOString() });
    expect(report.database.connections.latest).toBeGreaterThanOrEqual(1);
    expect(report.database.max_connections).toBeGreaterThanOrEqual(100);
    for (const part of ['waiting', 'running'])
      expect(report.queue[part]).toMatchObject({ latest: 0, mean: 0, peak: 0 });
  });

  test('leaves out what was not measured, instead of showing nothing as zero', async () => {
    const { as_of, response_times: times, error_rate, sockets, cache } = await it.get('performance');
    const nothing = { latest: null, mean: null, peak: null, series: [] };
    expect(as_of).toBeNull();
    expect(times).toEqual({ requests: 0, p50_ms: null, p95_ms: null, p99_ms: null, by_route: [], series: [] });
    expect([error_rate, sockets, cache.dashboard, cache.metrics, cache.reports]).toEqual(Array(5).fill(nothing));
  });

  test('sums two checks of one bucket, and of each longer one', async () => {
    it.serve(30);
    await it.check();
    it.serve(10);
    await it.check();
    const counts = await it.rows(sql`
      select granularity, sample_count as count from system_performance_metrics where endpoint = ${route} order by 1`);
    expect(counts).toEqual(['day', 'five_minutes', 'hour'].map((granularity) => ({ granularity, count: 40 })));
  });

  test('counts slow queries, and means the rest', async () => {
    for (const at of [it.clock.now, new Date(it.clock.now.getTime() + 60_000)]) {
      await it.rows(sql`
        insert into system_performance_metrics as m (granularity, bucket_start, metric_type, service_name, sample_count,
          total, peak, recorded_at)
        select 'five_minutes', date_bin('5 minutes', ${at}::timestamptz, 'epoch'), type, 'database', 1, 4, 4, ${at}
        from unnest(array['slow_queries', 'connections']) as t (type)
        on conflict (granularity, bucket_start, metric_type, service_name, endpoint)
          do update set sample_count = m.sample_count + 1, total = m.total + 4`);
    }
    it.clock.now = new Date(it.clock.now.getTime() + 120_000);
    const { database } = await it.get('performance');
    expect(database.slow_queries.series.map(({ value }: { value: number }) => value)).toEqual([8]);
    expect(database.connections.series.map(({ value }: { value: number }) => value)).toEqual([4]);
  });

  test('hits of the caches are a part of their look-ups', async () => {
    const { headers } = it.admin;
    for (let n = 0; n < 4; n += 1) await inject(it.app, { url: '/api/weekly/summary', headers });
    await it.check();
    const { cache } = await it.get('performance');
    expect(cache.dashboard.mean).toBeGreaterThan(0);
    expect(cache.dashboard.mean).toBeLessThan(100);
  });

  test.each([
    [24, 300],
    [25 * 2, 3_600],
    [24 * 20, 86_400],
    [24 * 299, 86_400],
  ])('of %d hours has buckets of %d seconds, of which there are never more than 300', async (hours, seconds) => {
    await it.rows(sql`
      insert into system_performance_metrics (granularity, bucket_start, metric_type, service_name, sample_count, total,
        peak, recorded_at)
      select g.name, date_bin(g.length, t, 'epoch'), 'connections', 'database', 1, 1, 1, t
      from (values ('five_minutes', interval '5 minutes'), ('hour', interval '1 hour'), ('day', interval '1 day'))
        as g (name, length),
        generate_series(date_bin(g.length, ${hoursAgo(hours)}::timestamptz, 'epoch'), ${it.clock.now}, g.length) as t
      where t > ${it.clock.now}::timestamptz - g.length * 400`);
    const report = await it.get(`performance?period_start=${hoursAgo(hours)}`);
    expect(report.bucket_seconds).toBe(seconds);
    const { length } = report.database.connections.series;
    expect(length).toBeGreaterThan(15);
    expect(length).toBeLessThanOrEqual(300);
  });

  test('takes days, the last of them whole, as the library does', async () => {
    const report = await it.features.system.service.getPerformanceReport({
      periodStart: '2024-01-01',
      periodEnd: '2024-01-07',
    });
    expect(report).toMatchObject({
      period_start: '2024-01-01T00:00:00.000Z',
      period_end: '2024-01-08T00:00:00.000Z',
      bucket_seconds: 3_600,
    });
  });

  test.each([
    ['period_start=yesterday', 'period_start', "'yesterday'"],
    ['period_end=2024-13-01', 'period_end', "'2024-13-01'"],
    ['period_start=2024-12-02&period_end=2024-12-01', 'period_start', "'2024-12-02'"],
    ['period_start=2023-01-01&period_end=2024-12-01', 'period_start', "'2023-01-01'"],
  ])('refuses %s', async (query, field, quoted) => {
    const { error } = await it.get(`performance?${query}`);
    expect(error.code).toBe('VALIDATION_ERROR');
    expect(error.details.field).toBe(field);
    expect(error.details.issue).toContain(quoted);
  });

  test('is for administrators of the installation', async () => {
    const owner = await (await it.makeOrganization()).member('owner');
    for (const path of ['performance', 'health', 'alerts']) {
      expect((await it.get(path, owner)).error.code).toBe('FORBIDDEN');
    }
  });
});

describe('Slow statements', () => {
  const secret = 'ada@example.org';

  test('are recorded without their literals, and named by the report, the slowest first', async () => {
    const { root } = it.platform.database;
    await sql.raw(`select pg_sleep(0.55), '${secret}' /* ${secret} */, 4711 as n, $$${secret}$$`).execute(root);
    await sql.raw(`select pg_sleep(0.6), e'it\\'s ${secret}' -- ${secret}`).execute(root);
    await it.features.system.reporter.report();
    const { database } = await it.get('performance');
    expect(database.slowest_queries.map(({ query }: { query: string }) => query)).toEqual([
      'select pg_sleep(?), ? ?',
      'select pg_sleep(?), ? ?, … as n, ?',
    ]);
    expect(database.slowest_queries[0]).toMatchObject({ calls: 1 });
    expect(database.slowest_queries[0].mean_ms).toBeGreaterThanOrEqual(600);
    expect(JSON.stringify(await it.rows(sql`select * from slow_statements`))).not.toContain('ada');
  });

  test('of more than five seconds are counted by the check', async () => {
    await it.rows(sql`
      insert into process_readings (id, process_id, at, reading) values (gen_random_uuid(), gen_random_uuid(),
        ${it.clock.now}, ${JSON.stringify({
          ...{ requests: [], caches: [], sockets: 3, slowQueries: 2 },
          eventLoop: { windows: 2, p99Sum: 300, max: 250 },
        })})`);
    expect(await it.check()).toMatchObject({ alerts_opened: 1 });
    const { database, event_loop_delay_ms: delay } = await it.get('performance');
    expect(database.slow_queries.latest).toBe(2);
    expect(delay.series[0].value).toBe(150);
    expect((await it.get('alerts')).items[0]).toMatchObject({ kind: 'slow_queries', subject: 'database' });
  });

  test.runIf(process.env.TEST_DATABASE_URL)(
    'come from this application’s own record where pg_stat_statements is there and cannot be read',
    async () => {
      const { root } = it.platform.database;
      await it.rows(sql`
        insert into slow_statements values (${it.clock.now}::date, gen_random_uuid(), 'select ?', 2, 3000, 2000, now())`);
      await sql.raw('create extension if not exists pg_stat_statements').execute(root);
      await sql.raw('alter extension pg_stat_statements set schema auth').execute(root);
      await sql.raw('revoke all on auth.pg_stat_statements from public').execute(root);
      const { database } = await it.get('performance');
      expect(database.slowest_queries).toEqual([
        { query: 'select ?', calls: 2, mean_ms: 1_500, max_ms: 2_000, total_ms: 3_000, source: 'almanac' },
      ]);
    },
  );

  test.each([
    ["select 'a''b', 'c'", 'select ?, …'],
    ["select * from t where name = 'O''Neil' and n in (1, 2, 3)", 'select * from t where name = ? and n in (?, …)'],
    ['insert into t values ($1, $2), ($3, $4)', 'insert into t values (?, …), …'],
    ["select 'never closed", 'select ?'],
    ['do $body$ begin perform 1; end $body$', 'do ?'],
    ['select "users"."name2" from "users" where x = 1.5e3', 'select "users"."name2" from "users" where x = ?'],
  ])('read %j as %j', async (statement, expected) => {
    const [read] = await it.rows(sql<{ read: string }>`select normalise_statement(${statement}) as read`);
    expect(read?.read).toBe(expected);
  });
});
