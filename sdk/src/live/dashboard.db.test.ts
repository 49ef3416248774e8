import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeTenant, type Tenant } from '../../../server/testing/tenant-scene.ts';
import { openRelay, type Relay } from '../../testing/open-relay.ts';
import { openServer, type TestServer, timingOf } from '../../testing/open-server.ts';
import { type WatchedDashboard, watchDashboard } from '../../testing/watch-dashboard.ts';
import { type AlmanacError, type ClientOptions, createClient } from '../index.ts';
import { importOpenSocket, type OpenSocket, type Socket } from './socket.ts';

let server: TestServer;
let relay: Relay;
let open: OpenSocket;
let tenant: Tenant;
const opened: WatchedDashboard[] = [];

beforeAll(async () => {
  // The database tells when an event was made, by the machine's clock.
  server = await openServer({ now: new Date() });
  relay = await openRelay(server.port);
  open = await importOpenSocket();
});
beforeEach(async () => {
  relay.refusesWebSockets = false;
  tenant = await makeTenant(server);
});
afterEach(() => {
  for (const { connection } of opened.splice(0)) connection.close();
});
afterAll(async () => {
  relay.close();
  await server.close();
});

type Who = Pick<Tenant, 'token' | 'organization'> & Pick<ClientOptions, 'io'>;

function watch({ token, organization: { id: organization }, io }: Who = tenant): WatchedDashboard {
  const timing = timingOf(server, { speed: 1_000 });
  const dashboard = watchDashboard(createClient({ baseUrl: relay.url, token, organization, timing, io }));
  opened.push(dashboard);
  return dashboard;
}

const isLive = ({ connection }: WatchedDashboard) => connection.state === 'live';
const isAt = (version: number) => (dashboard: WatchedDashboard) =>
  dashboard.connection.version === version && dashboard.kpis?.version === version;

/** Waits until all is told, and compares what was made of it with a fresh answer. */
async function expectTrueState(dashboard: WatchedDashboard): Promise<void> {
  const { kpis, businesses, version } = await tenant.dashboard({ limit: '100' });
  await dashboard.until(isAt(version));
  const { activeBusinesses, responseRate, landlordViews, messagesTotal } = kpis;
  expect(dashboard.kpis).toEqual({ activeBusinesses, responseRate, landlordViews, messagesTotal, version });
  expect([...dashboard.businesses.values()].sort((one, other) => (one.id < other.id ? 1 : -1))).toEqual(businesses);
  expect(dashboard.faults).toEqual([]);
}

test('the whole dashboard is told first, then each change', async () => {
  const { id } = await tenant.make();
  const dashboard = watch();
  await dashboard.until(isLive);
  expect(dashboard.wholes).toBe(1);
  await tenant.add(id, { views: 3 });
  await tenant.change(id, { status: 'paused' });
  const other = await tenant.make({ name: 'Other' });
  await tenant.remove(other.id);
  await expectTrueState(dashboard);
  const changes = dashboard.types.filter((type) => type !== 'kpi:update');
  expect(changes).toEqual(['metrics:updated', 'business:updated', 'business:created', 'business:deleted']);
  expect(dashboard.wholes).toBe(1);
});

test('100 cuts at random under writes end with the true state, and no version is left out or comes again', async () => {
  const { id } = await tenant.make();
  const dashboard = watch();
  await dashboard.until(isLive);
  let isCutting = true;
  const write = async () => {
    while (isCutting) {
      await tenant.add(id, { views: 1, messages: 1 });
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    }
  };
  const cut = async () => {
    for (let cuts = 0; cuts < 100; cuts += 1) {
      const wanted = dashboard.types.length + Math.floor(Math.random() * 4);
      await dashboard.until((it) => it.types.length >= wanted && (isLive(it) || Math.random() < 0.3));
      for (let turns = Math.random() * 20; turns > 0; turns -= 1) await new Promise(setImmediate);
      relay.cut();
    }
    isCutting = false;
  };
  await Promise.all([cut(), write()]);
  await dashboard.until(isLive);
  await tenant.add(id, { views: 1 });
  await expectTrueState(dashboard);
}, 60_000);

test('who was away for longer than two minutes is told the whole again', async () => {
  const { id } = await tenant.make();
  const dashboard = watch();
  await dashboard.until(isLive);
  relay.refusesAll = true;
  relay.cut();
  await dashboard.until(({ connection }) => connection.state === 'offline');
  await tenant.add(id, { views: 5 });
  server.pass(300);
  relay.refusesAll = false;
  await dashboard.until(isLive);
  await expectTrueState(dashboard);
  // Polling may have told it before the socket did.
  expect(dashboard.wholes).toBeGreaterThan(1);
  expect(dashboard.types.filter((type) => type !== 'kpi:update')).toEqual([]);
});

test('who is cut before the whole comes again asks once more, and is not live until then', async () => {
  const { id } = await tenant.make();
  let cuts = 0;
  const dashboard = watch({
    ...tenant,
    io: (...at) => {
      const socket = open(...at);
      const ask = socket.timeout.bind(socket);
      const isCut = () => cuts > 0 && cuts-- > 0;
      return Object.assign(socket, { timeout: (ms: number) => (isCut() ? { emit: relay.cut } : ask(ms)) }) as Socket;
    },
  });
  await dashboard.until(isLive);
  relay.refusesAll = true;
  relay.cut();
  await dashboard.until(({ connection }) => connection.state === 'offline');
  await tenant.add(id, { views: 5 });
  server.pass(300);
  const { wholes } = dashboard;
  cuts = 2;
  relay.refusesAll = false;
  await dashboard.until(isLive);
  expect(cuts).toBe(0);
  expect(dashboard.connection.version).toBe(2);
  expect(dashboard.wholes).toBeGreaterThan(wholes);
  await expectTrueState(dashboard);
});

test('where WebSockets are refused polling takes over, and the socket as soon as one connects', async () => {
  const { id } = await tenant.make();
  relay.refusesWebSockets = true;
  const dashboard = watch();
  await dashboard.until(({ connection }) => connection.state === 'polling');
  await expectTrueState(dashboard);
  await tenant.add(id, { views: 5 });
  await expectTrueState(dashboard);
  relay.refusesWebSockets = false;
  await dashboard.until(isLive);
  await tenant.add(id, { views: 5 });
  await expectTrueState(dashboard);
  expect(dashboard.states).toEqual(['polling', 'live']);
});

test('KPIs that were lost with the socket are told by polling', async () => {
  const { id } = await tenant.make();
  const dashboard = watch({
    ...tenant,
    io: (...at) => {
      const socket = open(...at);
      const on = socket.on.bind(socket);
      const lose = () => {
        relay.refusesWebSockets = true;
        relay.cut();
      };
      const listen: Socket['on'] = (event, take) => on(event, event === 'kpi:update' ? lose : take);
      return Object.assign(socket, { on: listen });
    },
  });
  await dashboard.until(isLive);
  await tenant.add(id, { views: 5 });
  await expectTrueState(dashboard);
  await dashboard.until(({ connection }) => connection.state === 'polling');
  expect(dashboard.types).toEqual(['metrics:updated', 'kpi:update']);
  expect(dashboard.wholes).toBe(1);
});

describe('Nothing is told', () => {
  test('to an account that is no tenant’s', async () => {
    const organization = await server.makeOrganization();
    const dashboard = watch({ ...(await organization.member('member')), organization });
    await dashboard.until(({ ends }) => ends.length > 0);
    expect((dashboard.ends[0] as AlmanacError).code).toBe('FORBIDDEN');
    expect(dashboard.wholes).toBe(0);
  });

  test('of another tenant’s businesses', async () => {
    const dashboard = watch();
    await dashboard.until(isLive);
    const other = await makeTenant(server, { organization: tenant.organization });
    await other.make();
    await tenant.make();
    await expectTrueState(dashboard);
    expect(dashboard.types.filter((type) => type !== 'kpi:update')).toEqual(['business:created']);
  });
});
