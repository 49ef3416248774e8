import type { Business } from '@almanac/contract/businesses.ts';
import { Manager, type Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { DashboardClient, listen, openDashboard, readState } from '#testing/dashboard-client.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { next } from '#testing/socket-scene.ts';
import { actAs, fourOf, makeTenant, type Tenant } from '#testing/tenant-scene.ts';

let it: TestApp;
let url: string;
let tenant: Tenant;
const opened: { close(): unknown }[] = [];
beforeAll(async () => {
  it = await makeTestApp({ now: new Date('2024-12-18T12:00:00Z') });
  url = await listen(it);
});
beforeEach(async () => {
  tenant = await makeTenant(it);
});
afterEach(() => {
  vi.restoreAllMocks();
  for (const client of opened.splice(0)) client.close();
});
afterAll(() => it.close());

const open = async (who: Tenant = tenant, options = {}): Promise<DashboardClient> => {
  const client = await DashboardClient.open(url, who, options);
  opened.push(client);
  return client;
};
const connect = (options: Parameters<typeof openDashboard>[1]): Socket => {
  const socket = openDashboard(url, { reconnection: false, ...options });
  opened.push({ close: () => socket.disconnect() });
  return socket;
};
const refusal = async (options: Parameters<typeof openDashboard>[1]) => {
  const socket = connect(options);
  const seen: string[] = [];
  socket.onAny((name: string) => seen.push(name));
  const { message, data } = await next<Error & { data: { code: string } }>(socket, 'connect_error');
  expect(seen).toEqual([]);
  return { message, code: data.code };
};
const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 5_000, interval: 5 });

describe('A connection to /dashboard', () => {
  test.each(['auth.token', 'the Authorization header', 'the session cookie'])('is let in by %s', async (way) => {
    const { token } = tenant;
    const options =
      way === 'auth.token'
        ? { auth: { token } }
        : {
            extraHeaders:
              way === 'the session cookie' ? { cookie: `access_token=${token}` } : { authorization: `Bearer ${token}` },
          };
    const socket = connect(options);
    expect(await next(socket, 'connected')).toEqual({ version: 0 });
    expect(socket.connected).toBe(true);
  });

  test('shares its transport with one to the default namespace, both asked for at once', async () => {
    const { token, headers } = tenant;
    const manager = new Manager(url, { reconnection: false, transports: ['websocket'] });
    const auth = { token, organization: headers['x-organization-id'] };
    const sockets = ['/', '/dashboard'].map((path) => manager.socket(path, { auth }));
    opened.push({ close: () => sockets.map((socket) => socket.disconnect()) });
    await Promise.all(sockets.map((socket) => next(socket, 'connect')));
    expect(sockets.map(({ connected }) => connected)).toEqual([true, true]);
  });

  test('without a token is refused, and told so before any event', async () => {
    expect(await refusal({})).toEqual({
      code: 'UNAUTHENTICATED',
      message:
        'No access token was given: send one as auth.token, in the Authorization header or as the session cookie.',
    });
  });

  test('is not let in by a cookie that its client has passed over', async () => {
    const extraHeaders = { cookie: `access_token=${tenant.token}` };
    expect((await refusal({ extraHeaders, auth: { credentials: 'omit' } })).code).toBe('UNAUTHENTICATED');
  });

  test('with a token that does not verify is refused, and told so before any event', async () => {
    const { code, message } = await refusal({ auth: { token: 'nonsense' } });
    expect(code).toBe('INVALID_TOKEN');
    expect(message).toMatch(/token/);
    expect((await refusal({ auth: { token: `${tenant.token.slice(0, -4)}AAAA` } })).code).toBe('INVALID_TOKEN');
    expect((await refusal({ auth: { token: 7 } })).code).toBe('VALIDATION_ERROR');
  });

  test.each(['standard', 'landlord'] as const)('of an account of the type %s is refused', async (type) => {
    const { token } = await tenant.organization.member('owner', type);
    const auth = { token, organization: tenant.organization.id };
    expect(await refusal({ auth })).toEqual({
      code: 'FORBIDDEN',
      message: `This is for accounts of the type tenant; yours is ${type}.`,
    });
  });

  test('ends with token_expired when its access token does', async () => {
    const clock = it.clock.now;
    const client = await open();
    const gone = next(client.socket, 'disconnect');
    it.clock.now = new Date(clock.getTime() + 16 * 60_000);
    await client.told('token_expired');
    expect(await gone).toBe('io server disconnect');
    tenant = await makeTenant(it);
  });

  test('refuses events and payloads that it does not know, and goes on', async () => {
    const client = await open();
    for (const [event, payload] of [
      ['request:state', {}],
      ['request:current-state', { userId: 'another' }],
      ['request:current-state', 'now'],
    ] as const)
      expect(await client.socket.emitWithAck(event, payload)).toMatchObject({ success: false });
    expect(await client.ask()).toMatchObject({ success: true, total: 0 });
  });
});

describe('The current state', () => {
  test('is the dashboard as REST answers it, as an event and in the acknowledgement', async () => {
    const { id } = await tenant.make();
    await tenant.add(id, { views: 3, messages: 1, invites: 4 });
    const client = await open(tenant, { asks: false });
    const { success, ...acknowledged } = await client.ask();
    const [told] = await client.told('current-state');
    expect(success).toBe(true);
    expect(acknowledged).toEqual(await tenant.dashboard());
    expect(told?.payload).toEqual(acknowledged);
  });
});

describe('Changes', () => {
  test('are told one by one with their versions, and the KPIs after them', async () => {
    const client = await open();
    const made = await tenant.make();
    await tenant.change(made.id, { name: 'Quay Lofts', status: 'paused' });
    await tenant.add(made.id, { views: 3, responses: 0 });
    await tenant.remove(made.id);
    await client.told('business:deleted');
    const life = client.received.filter(({ name }) => /^(business|metrics):/.test(name));
    const changed: Business = { ...made, name: 'Quay Lofts', status: 'paused' };
    expect(life).toEqual([
      { name: 'business:created', payload: { ...made, version: 1 } },
      { name: 'business:updated', payload: { ...changed, version: 2 } },
      {
        name: 'metrics:updated',
        payload: {
          businessId: made.id,
          version: 3,
          day: '2024-12-18',
          added: { views: 3, messages: 0, invites: 0, responses: 0 },
          totals: { views_count: 3, messages_count: 0, invites_count: 0, responses_count: 0 },
        },
      },
      { name: 'business:deleted', payload: { businessId: made.id, version: 4 } },
    ]);
    const last = { activeBusinesses: 0, responseRate: 0, landlordViews: 0, messagesTotal: 0, version: 4 };
    await until(async () => expect((await client.told('kpi:update')).at(-1)?.payload).toEqual(last));
  });

  test('by a repeated call are told once', async () => {
    const { id } = await tenant.make();
    const client = await open();
    for (let call = 0; call < 2; call += 1)
      await tenant.add(id, { views: 1 }, { 'idempotency-key': `key of ${id}`.replaceAll(' ', '-') });
    await tenant.add(id, { views: 2 });
    await client.told('metrics:updated', 2);
    expect(client.state?.version).toBe(3);
    expect(client.faults).toEqual([]);
  });

  test('of a call that fails are not told', async () => {
    const { id } = await tenant.make();
    const client = await open();
    await tenant.ask({ method: 'POST', url: `/api/businesses/${id}/metrics`, body: { views: 1, day: '2030-01-01' } });
    await tenant.add(id, { views: 2 });
    const [first] = await client.told('metrics:updated');
    expect(first?.payload).toMatchObject({ version: 2, added: { views: 2 } });
  });

  test('are of the organization that the connection is in', async () => {
    const elsewhere = await it.makeOrganization();
    const { id } = (await tenant.ask({ url: '/api/organizations' }))
      .json()
      .find((each: { id: string }) => each.id !== tenant.organization.id);
    const own = actAs(it, { ...elsewhere, id }, { ...tenant, headers: { ...tenant.headers, 'x-organization-id': id } });
    const [here, there] = [await open(), await open(own)];
    await own.make({ name: 'There' });
    await tenant.make({ name: 'Here' });
    await Promise.all([here.told('business:created'), there.told('business:created')]);
    expect([here, there].map(({ state }) => [...(state?.businesses.values() ?? [])].map(({ name }) => name))).toEqual([
      ['Here'],
      ['There'],
    ]);
  });
});

test('100 increments in a burst make at most four kpi:update a second, the last one true, and lose no event', async () => {
  const { id } = await tenant.make();
  const client = await open();
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: 100 }, (_, index) => tenant.add(id, { views: 1, invites: 2, messages: index % 2 })),
  );
  const seconds = (performance.now() - begun) / 1_000;
  await until(async () => expect(client.state).toEqual(await readState(tenant)));
  const updates = client.received.filter(({ name }) => name === 'kpi:update');
  expect(updates.length).toBeLessThanOrEqual(Math.ceil(4 * (seconds + 0.25)) + 1);
  expect(updates.at(-1)?.payload).toEqual({
    activeBusinesses: 1,
    responseRate: 25,
    landlordViews: 100,
    messagesTotal: 50,
    version: 101,
  });
  expect(client.received.filter(({ name }) => name === 'metrics:updated')).toHaveLength(100);
  expect(client.faults).toEqual([]);
});

test('nothing is computed for a user with no connection', async () => {
  const { id } = await tenant.make();
  const connected = await makeTenant(it, tenant);
  const client = await open(connected);
  const compute = vi.spyOn(it.platform.caches.metrics, 'getOrSet');
  await tenant.add(id, { views: 1 });
  await connected.make();
  await client.told('kpi:update');
  const topics = new Set(compute.mock.calls.map(([{ topic }]) => topic));
  expect([...topics]).toEqual([`tenant/${connected.userId}`]);
});

test('users never see each other’s events: 200 connections of 50 users', async () => {
  const users = await Promise.all(Array.from({ length: 50 }, () => makeTenant(it, tenant)));
  const clients = await Promise.all(
    users.flatMap((user) => [0, 1, 2, 3].map(() => open(user, { asks: false, transports: ['websocket'] }))),
  );
  const made = await Promise.all(users.map((user, index) => user.make({ name: `Business of ${index}` })));
  await Promise.all(users.map((user, index) => user.add(made[index]?.id ?? '', { views: index + 1 })));
  await Promise.all(clients.map((client) => client.told('metrics:updated')));
  await until(() => {
    for (const [place, client] of clients.entries()) {
      const index = Math.floor(place / 4);
      const kpis = client.received.findLast(({ name }) => name === 'kpi:update')?.payload;
      expect(kpis).toMatchObject({ landlordViews: index + 1, version: 2 });
    }
  });
  for (const [place, client] of clients.entries()) {
    const own = made[Math.floor(place / 4)]?.id;
    const about = client.received.flatMap(({ payload }) => [payload.id ?? payload.businessId ?? []].flat());
    expect(new Set(about)).toEqual(new Set([own]));
  }
});

test('a change shows in the cached answers at once, and in nobody else’s', async () => {
  const { id } = await tenant.make();
  const first = await tenant.ask({ url: '/api/dashboard/tenant/kpis' });
  const compute = vi.spyOn(it.platform.scopes, 'inOrganization');
  const again = await tenant.ask({
    url: '/api/dashboard/tenant/kpis',
    headers: { 'if-none-match': first.headers.etag ?? '' },
  });
  expect([again.statusCode, again.body, compute.mock.calls.length]).toEqual([304, '', 0]);
  const colleague = await makeTenant(it, tenant);
  await colleague.kpis();
  await tenant.add(id, { views: 4 });
  const changed = await tenant.ask({
    url: '/api/dashboard/tenant/kpis',
    headers: { 'if-none-match': first.headers.etag ?? '' },
  });
  expect([changed.statusCode, changed.json().data.landlordViews]).toEqual([200, 4]);
  expect(changed.headers.etag).not.toBe(first.headers.etag);
  const before = compute.mock.calls.length;
  expect(fourOf(await colleague.kpis()).landlordViews).toBe(0);
  expect(compute.mock.calls.length).toBe(before);
});
