import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { createLog } from '#platform/log/log.ts';
import { type BreakableProxy, openBreakableProxy } from '#testing/breakable-proxy.ts';
import { DashboardClient, listen, readState } from '#testing/dashboard-client.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { fourOf, makeTenant } from '#testing/tenant-scene.ts';

const redisUrl = process.env.TEST_REDIS_URL;
const warnings: string[] = [];
const log = createLog({ level: 'warn', destination: { write: (line) => void warnings.push(line) } });
let proxy: BreakableProxy;
let it: TestApp | undefined;
beforeAll(async () => {
  const { hostname, port } = new URL(redisUrl ?? 'redis://127.0.0.1:6379');
  proxy = await openBreakableProxy({ host: hostname, port: Number(port || 6379) });
});
afterEach(async () => {
  warnings.length = 0;
  await it?.close();
});
afterAll(() => proxy.close());

const start = async (): Promise<TestApp> => {
  const url = new URL(redisUrl ?? 'redis://127.0.0.1:6379');
  url.host = `127.0.0.1:${proxy.port}`;
  it = await makeTestApp({ config: { REDIS_URL: url.href }, log });
  return it;
};
const isWarned = () => expect(warnings.join('')).toContain('Redis does not answer');

/** Writes and reads as a tenant with a live client does; each answer and the client's state are true at once. */
async function expectEverythingWorks(app: TestApp, rounds: number, between: (round: number) => void = () => undefined) {
  const tenant = await makeTenant(app);
  const client = await DashboardClient.open(await listen(app), tenant);
  const { id } = await tenant.make();
  for (let round = 1; round <= rounds; round += 1) {
    between(round);
    await tenant.add(id, { views: 1, invites: 2 });
    expect(fourOf(await tenant.kpis())).toMatchObject({ activeBusinesses: 1, landlordViews: round });
    await client.told('metrics:updated', round);
  }
  await vi.waitFor(async () => expect(client.state).toEqual(await readState(tenant)), { timeout: 5_000, interval: 5 });
  expect(client.faults).toEqual([]);
  client.close();
}

test('without Redis, where it is configured, everything works from memory and the database, and the log says so', async () => {
  proxy.cut();
  await expectEverythingWorks(await start(), 2);
  await vi.waitFor(isWarned, 5_000);
  proxy.heal();
});

test.skipIf(!redisUrl)('Redis lost in mid-run and back again is logged, and everything goes on', async () => {
  const app = await start();
  await vi.waitFor(() => expect(app.platform.bus.isConnected()).toBe(true), 5_000);
  await expectEverythingWorks(app, 9, (round) => {
    if (round === 4) proxy.cut();
    if (round === 7) proxy.heal();
  });
  await vi.waitFor(isWarned, 5_000);
});
