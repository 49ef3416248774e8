import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { DashboardClient, listen, openDashboard } from '#testing/dashboard-client.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { next } from '#testing/socket-scene.ts';
import { makeTenant, type Tenant } from '#testing/tenant-scene.ts';

let it: TestApp;
let url: string;
let tenant: Tenant;
beforeAll(async () => {
  it = await makeTestApp();
  url = await listen(it);
});
beforeEach(async () => {
  tenant = await makeTenant(it);
});
afterAll(() => it.close());

/** What a client of before sends with each request: its token as a cookie, and nothing else. */
const ask = async (path: string) => {
  const answer = await fetch(`${url}${path}`, {
    headers: { cookie: `access_token=${tenant.token}`, 'x-organization-id': tenant.organization.id },
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> & { data: object } };
};
const four = { activeBusinesses: 2, responseRate: 75.5, landlordViews: 1234, messagesTotal: 151 };
const fill = async () => {
  const [one, other] = [await tenant.make(), await tenant.make()];
  await tenant.make({ status: 'paused' });
  await tenant.add(one.id, { views: 1_000, messages: 100, invites: 150 });
  await tenant.add(other.id, { views: 234, messages: 51, invites: 50 });
};

describe('What clients of the tenant dashboard have always relied on:', () => {
  test('GET /api/dashboard/tenant answers the KPIs with the businesses and their number', async () => {
    await fill();
    const { status, body } = await ask('/api/dashboard/tenant');
    expect(status).toBe(200);
    expect(body).toMatchObject({ success: true, data: { kpis: four, total: 3 } });
    expect((body.data as { businesses: object[] }).businesses).toHaveLength(3);
  });

  test('GET /api/dashboard/tenant/kpis answers the KPIs alone', async () => {
    await fill();
    const { status, body } = await ask('/api/dashboard/tenant/kpis');
    expect(status).toBe(200);
    expect(body).toMatchObject({ success: true, data: four });
    expect(body.data).not.toHaveProperty('businesses');
  });

  test('a socket with a valid token is connected', async () => {
    const socket = openDashboard(url, { auth: { token: tenant.token } });
    await next(socket, 'connect');
    expect(socket.connected).toBe(true);
    socket.disconnect();
  });

  test.each([
    ['without a token', {}, /No access token was given/],
    ['with an invalid token', { token: 'invalid-token' }, /token/],
  ])('a socket %s is refused with connect_error', async (_what, auth, message) => {
    const socket = openDashboard(url, { auth, reconnection: false });
    expect((await next<Error>(socket, 'connect_error')).message).toMatch(message);
    expect(socket.connected).toBe(false);
  });

  test('a client that connects again is sent reconnected, and then what changes', async () => {
    const { id } = await tenant.make();
    const client = await DashboardClient.open(url, tenant, { asks: false });
    await client.cut();
    expect((await client.told('reconnected'))[0]?.payload).toEqual({ recovered: true, version: 1 });
    await tenant.add(id, { views: 5 });
    await client.told('metrics:updated');
    await vi.waitFor(async () =>
      expect((await client.told('kpi:update')).at(-1)?.payload).toMatchObject({ landlordViews: 5 }),
    );
    client.close();
  });

  test('KPIs are kept for five minutes, and read anew after a change', async () => {
    const { id } = await tenant.make();
    await ask('/api/dashboard/tenant/kpis');
    const compute = vi.spyOn(it.platform.scopes, 'inOrganization');
    const clock = it.clock.now.getTime();
    it.clock.now = new Date(clock + 4 * 60_000);
    await ask('/api/dashboard/tenant/kpis');
    expect(compute).not.toHaveBeenCalled();
    await tenant.add(id, { views: 8 });
    expect((await ask('/api/dashboard/tenant/kpis')).body.data).toMatchObject({ landlordViews: 8 });
    it.clock.now = new Date(clock + 10 * 60_000);
    compute.mockClear();
    await ask('/api/dashboard/tenant/kpis');
    expect(compute).toHaveBeenCalled();
    compute.mockRestore();
  });

  test('a user with no businesses gets zeros and an empty list', async () => {
    const { body } = await ask('/api/dashboard/tenant');
    const zeros = { activeBusinesses: 0, responseRate: 0, landlordViews: 0, messagesTotal: 0 };
    expect(body).toMatchObject({ success: true, data: { kpis: zeros, businesses: [], total: 0 } });
  });
});
