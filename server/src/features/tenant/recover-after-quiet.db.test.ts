import type { Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { DashboardClient, listen, openDashboard, readState } from '#testing/dashboard-client.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { next } from '#testing/socket-scene.ts';
import { makeTenant, type Tenant } from '#testing/tenant-scene.ts';

let it: TestApp;
let url: string;
let tenant: Tenant;
let client: DashboardClient;
let socket: Socket | undefined;

beforeAll(async () => {
  // The database tells when an event was made, by the machine's clock.
  it = await makeTestApp({ now: new Date() });
  url = await listen(it);
});
beforeEach(async () => {
  it.clock.now = new Date();
  tenant = await makeTenant(it);
  const { id } = await tenant.make();
  client = await DashboardClient.open(url, tenant);
  await tenant.add(id, { views: 3 });
  await vi.waitFor(async () => expect(client.state).toEqual(await readState(tenant)), { timeout: 8_000, interval: 5 });
});
afterEach(() => {
  client.close();
  socket?.disconnect();
});
afterAll(() => it.close());

const passTenMinutes = () => {
  it.clock.now = new Date(it.clock.now.getTime() + 10 * 60_000);
};

/** Comes back, as to another process, with the place that came last to a socket; answers what it is told of that. */
function comeBack(before: Socket = client.socket): Promise<unknown> {
  const { _lastOffset: cursor } = before as unknown as { _lastOffset?: string };
  before.disconnect();
  const auth = { token: tenant.token, organization: tenant.organization.id, cursor };
  socket = openDashboard(url, { reconnection: false, auth });
  return next(socket, 'reconnected');
}

test('a client that is cut after ten quiet minutes goes on', async () => {
  passTenMinutes();
  expect(await comeBack()).toEqual({ recovered: true, version: 2 });
});

test('a client that was away for ten minutes in which something happened needs the state anew', async () => {
  client.close();
  await tenant.make();
  passTenMinutes();
  expect(await comeBack()).toEqual({ recovered: false, version: 3 });
  // And does so until it has the state, however often it is cut before.
  expect(await comeBack(socket)).toEqual({ recovered: false, version: 3 });
  await socket?.emitWithAck('request:current-state');
  expect(await comeBack(socket)).toEqual({ recovered: true, version: 3 });
});
