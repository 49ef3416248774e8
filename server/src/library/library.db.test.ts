import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { type AnalyticsScene, makeAnalyticsScene } from '#testing/analytics-scene.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import {
  CacheHelper,
  DashboardService,
  dashboardCache,
  metricsCache,
  ReportGenerator,
  reportsCache,
  SystemService,
  WebSocketService,
} from './index.ts';

let it: TestApp;
let scene: AnalyticsScene;
let organizationId: string;
let dashboard: DashboardService;
beforeAll(async () => {
  it = await makeTestApp({ now: new Date('2025-03-31T10:00:00Z') });
  dashboard = new DashboardService(it);
});
afterAll(() => it.close());
beforeEach(async () => {
  scene = await makeAnalyticsScene(it, { timezone: 'Pacific/Auckland' });
  organizationId = scene.organization.id;
});

const activeNow = () =>
  scene.act([{ activity_type: 'login', user_id: scene.owner.userId, created_at: it.clock.now.toISOString() }]);

describe('DashboardService', () => {
  test('answers what the API answers, in the time zone of the organization', async () => {
    await activeNow();
    const days = { period_start: '2025-03-20', period_end: '2025-03-31' };
    expect(await dashboard.getSummary({ organizationId, periodDays: 7 })).toEqual(
      await scene.summary({ period_days: 7 }),
    );
    expect(
      await dashboard.getSummary({ organizationId, periodStart: days.period_start, periodEnd: days.period_end }),
    ).toEqual(await scene.summary(days));
    const realtime = await dashboard.getRealtimeData({ organizationId: organizationId.toUpperCase() });
    expect(realtime).toEqual(await scene.realtime());
    expect(realtime).toMatchObject({ active_users_15min: 1, activities_last_hour: 1 });
  });

  test('shows what was written over HTTP at the next call', async () => {
    expect((await dashboard.getSummary({ organizationId })).user_stats.active_users).toBe(0);
    await activeNow();
    expect((await dashboard.getSummary({ organizationId })).user_stats.active_users).toBe(1);
  });

  test.each([
    [{ organizationId: 'acme' }, 'VALIDATION_ERROR', "organizationId: 'acme' is not the id"],
    [{ organizationId: undefined as unknown as string }, 'VALIDATION_ERROR', "organizationId: 'undefined'"],
    [{ organizationId: newId() }, 'NOT_FOUND', 'organization'],
    [{ organizationId: newId(), periodDays: 0 }, 'VALIDATION_ERROR', 'periodDays: 0 is no whole number from 1 to 366'],
    [{ organizationId: newId(), periodDays: 1.5 }, 'VALIDATION_ERROR', 'periodDays: 1.5'],
  ])('refuses %o with %s', async (query, code, message) => {
    await expect(dashboard.getSummary(query)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test('refuses what is no day', async () => {
    const asked = { organizationId, periodStart: '2025-02-30', periodEnd: '2025-03-01' };
    await expect(dashboard.getSummary(asked)).rejects.toThrow("'2025-02-30' is not a day");
  });

  test('takes a handle that is still being opened', async () => {
    const opening = new DashboardService(Promise.resolve(it));
    expect((await opening.getSummary({ organizationId })).organization_id).toBe(organizationId);
  });
});

describe('ReportGenerator', () => {
  const draft = async () => {
    const body = { title: 'The week', report_period_start: '2025-03-24', report_period_end: '2025-03-30' };
    const answer = await scene.ask({ method: 'POST', url: '/api/reports', body });
    return answer.json<{ id: string }>().id;
  };
  const read = async (id: string) => (await scene.ask({ url: `/api/reports/${id}` })).json();

  test('fills a report as the API does, in the time zone of the organization', async () => {
    await activeNow();
    const reportId = await draft();
    const result = await new ReportGenerator(it).generateReport({ reportId, organizationId });
    expect(result).toMatchObject({ id: reportId, status: 'generated', timezone: 'Pacific/Auckland' });
    expect(result.sections).toHaveLength(5);
    expect(result).toEqual(await read(reportId));
  });

  test('answers the file too where a format is asked for', async () => {
    const reportId = await draft();
    const reports = new ReportGenerator(Promise.resolve(it));
    const result = await reports.generateReport({ reportId, organizationId, exportFormat: 'json' });
    const answer = await scene.ask({ url: `/api/reports/${reportId}/export` });
    expect(result.export).toMatchObject({ format: 'json', fileName: `report-${reportId}.json` });
    expect(result.export?.content.equals(answer.rawPayload)).toBe(true);
  });

  test('refuses what is no format before anything is done, and what is no report', async () => {
    const reportId = await draft();
    const reports = new ReportGenerator(it);
    await expect(reports.generateReport({ reportId, organizationId, exportFormat: 'pdf' })).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      message: expect.stringContaining('there is json'),
    });
    expect(await read(reportId)).toMatchObject({ status: 'draft' });
    await expect(reports.generateReport({ reportId: 'q3', organizationId })).rejects.toThrow(
      "reportId: 'q3' is not the id",
    );
    const other = (await it.makeOrganization()).id;
    await expect(reports.generateReport({ reportId, organizationId: other })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  test('has a cached report forgotten when it is generated', async () => {
    const reportId = await draft();
    const cached = () => CacheHelper.getCachedReport(reportId, () => read(reportId), organizationId);
    expect(await cached()).toMatchObject({ status: 'draft' });
    await new ReportGenerator(it).generateReport({ reportId, organizationId });
    expect(await cached()).toMatchObject({ status: 'generated' });
  });
});

describe('SystemService', () => {
  test('answers health as the word itself, and what was measured', async () => {
    const system = new SystemService(it);
    expect(['healthy', 'warning', 'critical']).toContain(await system.getSystemHealth());
    expect((await system.getHealthChecks()).checks.length).toBeGreaterThan(3);
    const report = await system.getPerformanceReport({ periodStart: '2025-03-30', periodEnd: '2025-03-31' });
    expect([report.period_start, report.period_end]).toEqual(['2025-03-30T00:00:00.000Z', '2025-04-01T00:00:00.000Z']);
    await expect(system.getPerformanceReport({ periodStart: 'then' })).rejects.toThrow("'then'");
  });
});

describe('WebSocketService', () => {
  test('connects a member, who is told what a program broadcasts', async () => {
    const webSocketService = new WebSocketService(it);
    const { userId } = scene.owner;
    const connection = await webSocketService.initializeConnection({ organizationId, userId });
    const subscription = await webSocketService.subscribe(connection.id, {
      type: 'dashboard',
      filters: { organizationId },
    });
    const payload = { note: 'numbers of our own' };
    const sent = await webSocketService.broadcastMessage({ type: 'dashboard_update', payload, organizationId });
    for await (const message of connection) {
      expect(message).toEqual(sent);
      await webSocketService.unsubscribe(connection.id, subscription);
      connection.close();
    }
    expect(sent).toMatchObject({ type: 'dashboard_update', organizationId, payload });
    expect(await connection.ended).toBe('closed');
  });
});

describe('The caches of an organization', () => {
  const summaryKey = () => `dashboard:${organizationId}:summary`;
  const cachedSummary = () =>
    CacheHelper.getCachedDashboardSummary(organizationId, () => dashboard.getSummary({ organizationId }));

  test('keep what was computed under the standard keys', async () => {
    const summary = await cachedSummary();
    expect(dashboardCache.get(summaryKey())).toBe(summary);
    await CacheHelper.getCachedMetrics({ organizationId, metricType: 'sales', period: '7d' }, () => [1]);
    expect(metricsCache.get(`metrics:${organizationId}:sales:7d`)).toEqual([1]);
    const reportId = newId();
    await CacheHelper.getCachedReport(reportId, () => 'report');
    expect(reportsCache.get(`report:${reportId}`)).toBe('report');
  });

  test('know a report by its organization, or forget it with any change', async () => {
    const [own, unknown] = [newId(), newId()];
    await CacheHelper.getCachedReport(own, () => 'own', organizationId.toUpperCase());
    await CacheHelper.getCachedReport(unknown, () => 'unknown');
    await CacheHelper.invalidateOrganizationCache(newId());
    expect(reportsCache.get(`report:${own}:${organizationId}`)).toBe('own');
    expect(reportsCache.get(`report:${unknown}`)).toBeUndefined();
    await activeNow();
    expect(reportsCache.get(`report:${own}:${organizationId}`)).toBeUndefined();
  });

  test('are forgotten on demand, of one organization alone', async () => {
    await cachedSummary();
    dashboardCache.set('dashboard:other:summary', 1);
    await CacheHelper.invalidateOrganizationCache(organizationId);
    expect(dashboardCache.get(summaryKey())).toBeUndefined();
    expect(dashboardCache.get('dashboard:other:summary')).toBe(1);
  });

  test('forget what a write over HTTP has changed, before it is answered', async () => {
    expect((await cachedSummary()).user_stats.active_users).toBe(0);
    await activeNow();
    expect((await cachedSummary()).user_stats.active_users).toBe(1);
  });
});
