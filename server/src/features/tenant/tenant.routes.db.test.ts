import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { actAs, fourOf, makeTenant, type Tenant } from '#testing/tenant-scene.ts';

let it: TestApp;
let tenant: Tenant;
const begin = new Date('2024-12-18T12:00:00Z');
beforeAll(async () => {
  it = await makeTestApp({ now: begin });
});
beforeEach(async () => {
  it.clock.now = begin;
  tenant = await makeTenant(it);
});
afterAll(() => it.close());

const nothing = { activeBusinesses: 0, responseRate: 0, landlordViews: 0, messagesTotal: 0 };

describe('The dashboard of a tenant', () => {
  test('is made of the KPIs over all businesses, the newest 20 of these and how many there are', async () => {
    const made: string[] = [];
    for (let index = 0; index < 22; index += 1) {
      it.clock.now = new Date(begin.getTime() + index);
      made.push((await tenant.make({ name: `Business ${index}`, status: index < 2 ? 'paused' : 'active' })).id);
    }
    await tenant.add(made[0] ?? '', { views: 1_000, messages: 100, invites: 150 });
    await tenant.add(made[21] ?? '', { views: 234, messages: 51, invites: 50 });
    const first = await tenant.dashboard();
    expect(fourOf(first.kpis)).toEqual({
      activeBusinesses: 20,
      responseRate: 75.5,
      landlordViews: 1234,
      messagesTotal: 151,
    });
    expect(first).toMatchObject({ total: 22, version: 24 });
    expect(first.businesses.map(({ id }) => id)).toEqual(made.toReversed().slice(0, 20));
    const rest = await tenant.dashboard({ cursor: first.next_cursor ?? '' });
    expect(rest.businesses.map(({ id }) => id)).toEqual([made[1], made[0]]);
    expect(rest).toMatchObject({ kpis: first.kpis, next_cursor: null, total: 22 });
    expect((await tenant.dashboard({ limit: '100' })).businesses).toHaveLength(22);
    expect((await tenant.ask({ url: '/api/dashboard/tenant?limit=101' })).statusCode).toBe(400);
  });

  test('of somebody without businesses is all zeros', async () => {
    const { kpis, businesses, total, next_cursor, version } = await tenant.dashboard();
    expect(fourOf(kpis)).toEqual(nothing);
    expect({ businesses, total, next_cursor, version }).toEqual({
      businesses: [],
      total: 0,
      next_cursor: null,
      version: 0,
    });
    expect(await tenant.kpis()).toEqual({
      ...nothing,
      days: null,
      trend: {
        days: 7,
        current: nothing,
        previous: nothing,
        change_percentage: { activeBusinesses: 0, responseRate: 0, landlordViews: 0, messagesTotal: 0 },
        change_reason: {},
        complete: true,
      },
      as_of: null,
      complete: true,
      version: 0,
    });
  });

  test('is each user’s own, in each organization', async () => {
    const colleague = await makeTenant(it, tenant);
    const { id } = await tenant.make();
    await tenant.add(id, { views: 5 });
    expect(fourOf(await colleague.kpis())).toEqual(nothing);
    expect((await colleague.dashboard()).businesses).toEqual([]);
    const { headers, userId, token } = tenant;
    const own = (await tenant.ask({ url: '/api/organizations' }))
      .json()
      .find((each: { id: string }) => each.id !== tenant.organization.id);
    const elsewhere = actAs(it, own, { userId, token, headers: { ...headers, 'x-organization-id': own.id } });
    expect(fourOf(await elsewhere.kpis())).toEqual(nothing);
    expect(fourOf(await tenant.kpis())).toMatchObject({ activeBusinesses: 1, landlordViews: 5 });
  });

  test.each(['standard', 'landlord'] as const)(
    'is refused to an account of the type %s, whatever the role',
    async (type) => {
      const owner = await tenant.organization.member('owner', type);
      for (const url of ['/api/dashboard/tenant', '/api/dashboard/tenant/kpis']) {
        const answer = await actAs(it, tenant.organization, owner).ask({ url });
        expect(answer.statusCode).toBe(403);
        expect(answer.json()).toMatchObject({
          success: false,
          code: 'FORBIDDEN',
          error: `This is for accounts of the type tenant; yours is ${type}.`,
        });
      }
    },
  );

  test('takes no cursor of another one’s list', async () => {
    for (let index = 0; index < 2; index += 1) await tenant.make();
    const colleague = await makeTenant(it, tenant);
    const { next_cursor } = await tenant.dashboard({ limit: '1' });
    const answer = await colleague.ask({ url: '/api/dashboard/tenant', query: { cursor: next_cursor ?? '' } });
    expect([answer.statusCode, answer.json().details.field]).toEqual([400, 'cursor']);
  });
});

describe('The response rate', () => {
  const rateOf = async () => (await tenant.kpis()).responseRate;

  test('rests on messages until responses are told of, and then on responses', async () => {
    const { id } = await tenant.make();
    expect(await rateOf()).toBe(0);
    await tenant.add(id, { messages: 23, invites: 80 });
    expect(await rateOf()).toBe(28.8);
    await tenant.add(id, { responses: 0 });
    expect(await rateOf()).toBe(0);
    await tenant.add(id, { responses: 40 });
    expect(await rateOf()).toBe(50);
  });

  test('is at most 100, and 0 without invites', async () => {
    const { id } = await tenant.make();
    await tenant.add(id, { messages: 7 });
    expect(await rateOf()).toBe(0);
    await tenant.add(id, { invites: 3 });
    expect(await rateOf()).toBe(100);
  });

  test('is of the businesses that tell of responses, where any does', async () => {
    const [told, untold] = [await tenant.make(), await tenant.make()];
    await tenant.add(told.id, { messages: 1_000, invites: 10, responses: 5 });
    await tenant.add(untold.id, { messages: 100, invites: 6 });
    expect(await rateOf()).toBe(50);
    await tenant.remove(told.id);
    expect(await rateOf()).toBe(100);
  });
});

describe('A deleted business', () => {
  test('is in no KPI any more, and an archived one still is but for the active ones', async () => {
    const [one, other] = [await tenant.make(), await tenant.make()];
    await tenant.add(one.id, { views: 3, messages: 2, invites: 4 });
    await tenant.add(other.id, { views: 10, messages: 1, invites: 4 });
    await tenant.change(one.id, { status: 'archived' });
    expect(fourOf(await tenant.kpis())).toEqual({
      activeBusinesses: 1,
      responseRate: 37.5,
      landlordViews: 13,
      messagesTotal: 3,
    });
    await tenant.remove(one.id);
    expect(fourOf(await tenant.kpis())).toEqual({
      activeBusinesses: 1,
      responseRate: 25,
      landlordViews: 10,
      messagesTotal: 1,
    });
    expect((await tenant.kpis({ days: '7' })).landlordViews).toBe(10);
  });
});

test('days before the ones asked for are not counted, and all are without', async () => {
  const { id } = await tenant.make();
  for (const [day, views] of [
    ['2024-12-18', 1],
    ['2024-12-12', 10],
    ['2024-12-11', 100],
    ['2023-12-18', 1_000],
  ] as const)
    await tenant.add(id, { views, day });
  expect(await tenant.kpis({ days: '7' })).toMatchObject({ landlordViews: 11, days: 7, complete: false });
  expect((await tenant.kpis({ days: '8' })).landlordViews).toBe(111);
  expect(await tenant.kpis()).toMatchObject({ landlordViews: 1_111, days: null, complete: true });
  expect((await tenant.dashboard({ days: '1' })).kpis.landlordViews).toBe(1);
  for (const days of ['0', '367', 'x', '1.5'])
    expect((await tenant.ask({ url: `/api/dashboard/tenant/kpis?days=${days}` })).statusCode).toBe(400);
});

test('the trend compares the last 7 full days with the 7 before, and the active ones at the end of each', async () => {
  const [one, other, late] = [await tenant.make(), await tenant.make({ status: 'paused' }), await tenant.make()];
  for (const [{ id }, since] of [
    [one, '2024-12-01T12:00:00Z'],
    [other, '2024-12-01T12:00:00Z'],
    [late, '2024-12-16T12:00:00Z'],
  ] as const) {
    await sql`update business_statuses set since = ${since} where business_id = ${id}`.execute(
      it.platform.database.root,
    );
  }
  await tenant.change(other.id, { status: 'active' });
  for (const [day, views, messages] of [
    ['2024-12-18', 1_000, 1_000],
    ['2024-12-17', 20, 3],
    ['2024-12-11', 10, 0],
    ['2024-12-10', 20, 0],
    ['2024-12-04', 5, 0],
    ['2024-12-03', 9, 9],
  ] as const)
    await tenant.add(one.id, { views, messages, invites: 10, day });
  expect(await tenant.kpis()).toMatchObject({
    activeBusinesses: 3,
    trend: {
      current: { activeBusinesses: 2, responseRate: 15, landlordViews: 30, messagesTotal: 3 },
      previous: { activeBusinesses: 1, responseRate: 0, landlordViews: 25, messagesTotal: 0 },
      change_percentage: { activeBusinesses: 100, responseRate: null, landlordViews: 20, messagesTotal: null },
      change_reason: { responseRate: 'previous_zero', messagesTotal: 'previous_zero' },
      complete: true,
    },
  });
});

// The last, because time only moves on.
test('days are those of each business’s time zone, with today', async () => {
  it.clock.now = new Date('2024-12-19T10:55:00Z');
  tenant = await makeTenant(it);
  const zones = ['Pacific/Auckland', 'UTC', 'Pacific/Pago_Pago'];
  const made = await Promise.all(zones.map((timezone) => tenant.make({ timezone })));
  const addToEach = (views: number) => Promise.all(made.map(async ({ id }) => (await tenant.add(id, { views })).day));
  expect(await addToEach(10)).toEqual(['2024-12-19', '2024-12-19', '2024-12-18']);
  expect((await tenant.kpis({ days: '1' })).landlordViews).toBe(30);
  it.clock.now = new Date('2024-12-19T11:05:00Z');
  expect((await tenant.kpis({ days: '1' })).landlordViews).toBe(10);
  expect(await addToEach(1)).toEqual(['2024-12-20', '2024-12-19', '2024-12-19']);
  expect((await tenant.kpis({ days: '1' })).landlordViews).toBe(13);
  expect((await tenant.kpis({ days: '2' })).landlordViews).toBe(33);
});
