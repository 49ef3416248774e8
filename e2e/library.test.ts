import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runProgram } from './support/run-program.ts';
import { useScene } from './support/scene.ts';

const scene = useScene();
const library = join(import.meta.dirname, '../ioc-lib/index.ts');

const run = (source: string, env: Readonly<Record<string, string>> = {}) =>
  runProgram(process.execPath, ['--input-type=module', '--eval', source], { env });

test.each(['PGlite', 'PostgreSQL'])('a program reads the demo’s dashboard without a server, on %s', async (name) => {
  const cwd = await scene.makeFolder();
  const place = name === 'PGlite' ? { DATA_DIR: cwd } : { DATABASE_URL: (await scene.makeDatabase()).url };
  const source = `
    import { CacheHelper, CacheService, DashboardService, closeAlmanac, dashboardCache, openAlmanac, systemService } from '${library}';
    const almanac = await openAlmanac();
    const organizationId = almanac.features.builtIns.demoOrganizationId;
    const dashboardService = new DashboardService(almanac);
    const summary = await CacheHelper.getCachedDashboardSummary(
      organizationId, () => dashboardService.getSummary({ organizationId, periodDays: 7 }));
    const realtime = await dashboardService.getRealtimeData({ organizationId });
    const cache = new CacheService({ defaultTTL: 60, maxKeys: 500 });
    cache.set('a', dashboardCache.get(\`dashboard:\${organizationId}:summary\`).organization_id === organizationId);
    await almanac.close();
    const health = await systemService.getSystemHealth();
    await closeAlmanac();
    console.log(JSON.stringify({ days: [summary.period_start, summary.period_end].length, realtime, health, a: cache.get('a') }));`;
  const { code, stdout, stderr } = await run(source, place);
  expect(stderr).toBe('');
  const last = stdout.trim().split('\n').at(-1) ?? '';
  expect(JSON.parse(last)).toMatchObject({
    ...{ days: 2, a: true },
    realtime: { active_users_15min: 0, system_status: expect.any(String) },
    health: expect.stringMatching(/^(healthy|warning)$/),
  });
  expect(code).toBe(0);
});

test('a program is told that the database is away', async () => {
  const source = `
    import { closeAlmanac, systemService } from '${library}';
    console.log(await systemService.getSystemHealth());
    await closeAlmanac();`;
  const { code, stdout } = await run(source, { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' });
  expect([code, stdout.trim().split('\n').at(-1)]).toEqual([0, 'critical']);
});
