import type { Business } from '@almanac/contract/businesses.ts';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { actAs, makeTenant, type Tenant } from '#testing/tenant-scene.ts';

let it: TestApp;
let tenant: Tenant;
beforeAll(async () => {
  it = await makeTestApp({ now: new Date('2024-12-18T12:00:00Z') });
});
beforeEach(async () => {
  tenant = await makeTenant(it, { timezone: 'Europe/Berlin' });
});
afterAll(() => it.close());

const rows = async <Row>(statement: ReturnType<typeof sql<Row>>) =>
  (await statement.execute(it.platform.database.root)).rows;
const faultsOf = async (request: Parameters<Tenant['ask']>[0]) => {
  const answer = await tenant.ask(request);
  return [answer.statusCode, answer.json().details?.errors?.map(({ field }: { field: string }) => field)];
};

describe('A business', () => {
  test('is made with a name alone', async () => {
    const answer = await tenant.ask({ method: 'POST', url: '/api/businesses', body: { name: 'Harbour Lofts' } });
    expect(answer.statusCode).toBe(201);
    const { success, data } = answer.json<{ success: boolean; data: Business }>();
    expect(success).toBe(true);
    const at = it.clock.now.toISOString();
    expect(data).toEqual({
      id: expect.stringMatching(/^[\da-f-]{36}$/),
      organization_id: tenant.organization.id,
      user_id: tenant.userId,
      name: 'Harbour Lofts',
      industry: null,
      location: null,
      latitude: null,
      longitude: null,
      country_code: null,
      timezone: 'Europe/Berlin',
      status: 'active',
      views_count: 0,
      messages_count: 0,
      invites_count: 0,
      responses_count: null,
      created_at: at,
      updated_at: at,
    });
    expect((await tenant.ask({ url: `/api/businesses/${data.id}` })).json()).toEqual({ success: true, data });
  });

  test('changes in the fields given, whatever a client sends back of what it read', async () => {
    const made = await tenant.make({ latitude: 53.5, longitude: 10, country_code: 'de', industry: 'Lofts' });
    expect(made).toMatchObject({ latitude: 53.5, longitude: 10, country_code: 'DE' });
    const changed = await tenant.change(made.id, { ...made, views_count: 77, industry: null, timezone: 'asia/tokyo' });
    expect(changed).toEqual({ ...made, industry: null, timezone: 'Asia/Tokyo' });
    expect(await tenant.change(made.id, { longitude: 11, name: 'Quay Lofts' })).toMatchObject({
      latitude: 53.5,
      longitude: 11,
      name: 'Quay Lofts',
    });
    expect(await tenant.change(made.id, { latitude: null, longitude: null })).toMatchObject({
      latitude: null,
      longitude: null,
    });
  });

  test('is gone with its numbers once it is deleted, and what was measured of it stays measured', async () => {
    const { id } = await tenant.make();
    await tenant.add(id, { views: 3 });
    const answer = await tenant.ask({ method: 'DELETE', url: `/api/businesses/${id}` });
    expect([answer.statusCode, answer.json()]).toEqual([200, { success: true, data: { id } }]);
    expect((await tenant.ask({ method: 'DELETE', url: `/api/businesses/${id}` })).statusCode).toBe(404);
    expect(await rows(sql`select from business_metrics where business_id = ${id}`)).toEqual([]);
    expect(await rows(sql`select from business_statuses where business_id = ${id}`)).toEqual([]);
    expect(await rows(sql`select from dashboard_metrics where business_id = ${id}`)).toHaveLength(1);
  });

  test('is its user’s alone: others of the organization, an owner too, are told that there is none', async () => {
    const { id } = await tenant.make();
    const owner = actAs(it, tenant.organization, await tenant.organization.member('owner', 'tenant'));
    const body = { views: 1 };
    for (const request of [
      { url: `/api/businesses/${id}` },
      { method: 'PUT', url: `/api/businesses/${id}`, body: { name: 'Mine' } },
      { method: 'DELETE', url: `/api/businesses/${id}` },
      { method: 'POST', url: `/api/businesses/${id}/metrics`, body },
    ] as const) {
      const answer = await owner.ask(request);
      expect([answer.statusCode, answer.json().code]).toEqual([404, 'NOT_FOUND']);
    }
    expect((await owner.ask({ url: '/api/businesses' })).json().data.items).toEqual([]);
    const seen = await it.platform.scopes.inOrganization(
      { ...(await it.features.identity.authenticator.authenticate(credentialsOf(owner))) },
      ({ db }) => sql`select from businesses union all select from tenant_versions`.execute(db),
    );
    expect(seen.rows).toEqual([]);
  });

  test('may be had by an account of any type', async () => {
    const member = await tenant.organization.member('member', 'standard');
    const { id } = await actAs(it, tenant.organization, member).make();
    expect((await actAs(it, tenant.organization, member).ask({ url: `/api/businesses/${id}` })).statusCode).toBe(200);
  });
});

const credentialsOf = ({ headers, organization }: Tenant) => ({
  authorization: headers.authorization,
  cookieToken: undefined,
  apiKey: undefined,
  organization: organization.id,
  anonymousOrganization: 'demo' as const,
});

test('the list is read in pages, the newest first, also where several were made in the same moment', async () => {
  const made: string[] = [];
  for (let index = 0; index < 5; index += 1) made.push((await tenant.make()).id);
  const seen: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const query: Record<string, string> = { limit: '2', ...(cursor === '' ? {} : { cursor }) };
    const { items, next_cursor } = (await tenant.ask({ url: '/api/businesses', query })).json().data;
    seen.push(...items.map(({ id }: Business) => id));
    cursor = next_cursor;
  }
  expect(seen).toEqual(made.toSorted().toReversed());
});

describe('What is wrong with a business is told by field, and nothing is written:', () => {
  test.each([
    [{}, ['name']],
    [{ name: '' }, ['name', 'name']],
    [{ name: ' ' }, ['name']],
    [{ name: 'x'.repeat(201) }, ['name']],
    [{ name: 'two\nlines' }, ['name']],
    [{ name: 7 }, ['name']],
    [{ name: 'x', latitude: 1 }, ['longitude']],
    [{ name: 'x', longitude: 1 }, ['latitude']],
    [{ name: 'x', latitude: 90.1, longitude: 0 }, ['latitude']],
    [{ name: 'x', latitude: 0, longitude: -180.1 }, ['longitude']],
    [{ name: 'x', latitude: '1', longitude: 0 }, ['latitude']],
    [{ name: 'x', country_code: 'ZZ' }, ['country_code']],
    [{ name: 'x', country_code: 'DEU' }, ['country_code', 'country_code']],
    [{ name: 'x', country_code: 'UK', timezone: 'Mars/Base' }, ['country_code', 'timezone']],
    [{ name: 'x', timezone: '+01:00' }, ['timezone']],
    [{ name: 'x', status: 'closed' }, ['status']],
    [{ name: 'x', owner: 'me' }, ['owner']],
  ])('%j', async (body, fields) => {
    expect(await faultsOf({ method: 'POST', url: '/api/businesses', body })).toEqual([400, fields]);
    expect((await tenant.dashboard()).total).toBe(0);
  });
});

describe('Numbers', () => {
  test('are added to the day and to all days, and answered with the day', async () => {
    const { id } = await tenant.make();
    await tenant.add(id, { views: 2, day: '2024-12-17' });
    const answer = await tenant.ask({
      method: 'POST',
      url: `/api/businesses/${id}/metrics`,
      body: { views: 3, messages: 1 },
    });
    expect(answer.statusCode).toBe(200);
    expect(answer.json().data).toEqual({
      business_id: id,
      day: '2024-12-18',
      views_count: 3,
      messages_count: 1,
      invites_count: 0,
      responses_count: null,
      version: 3,
    });
    expect((await tenant.ask({ url: `/api/businesses/${id}` })).json().data).toMatchObject({
      views_count: 5,
      messages_count: 1,
    });
  });

  test.each([
    [{}, ['body']],
    [{ day: '2024-12-18' }, ['body']],
    [{ views: -1 }, ['views']],
    [{ views: 1.5 }, ['views']],
    [{ views: '1' }, ['views']],
    [{ views: 1_000_001 }, ['views']],
    [{ views: null }, ['views']],
    [{ views: 1, day: '2024-12-19' }, ['day']],
    [{ views: 1, day: '2023-12-17' }, ['day']],
    [{ views: 1, day: '2024-02-30' }, ['day']],
    [{ views: 1, day: '18.12.2024' }, ['day']],
    [{ vues: 1 }, ['vues']],
  ])('%j is refused, and nothing is added', async (body, fields) => {
    const { id } = await tenant.make();
    expect(await faultsOf({ method: 'POST', url: `/api/businesses/${id}/metrics`, body })).toEqual([400, fields]);
    expect(await tenant.kpis()).toMatchObject({ landlordViews: 0, version: 1 });
  });

  test('are taken for 366 days back, and to the last of what one call may add', async () => {
    const { id } = await tenant.make();
    expect(await tenant.add(id, { views: 1_000_000, day: '2023-12-18' })).toMatchObject({ day: '2023-12-18' });
  });

  test('of 20 calls at once are all there, and a repeated call counts once', async () => {
    const [one, other] = [await tenant.make(), await tenant.make()];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        tenant.add((index % 2 ? one : other).id, { views: 1, messages: 2, invites: 3, responses: 1 }),
      ),
    );
    expect(answers.map(({ version }) => version).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 3),
    );
    const key = { 'idempotency-key': newId() };
    const again = [await tenant.add(one.id, { views: 100 }, key), await tenant.add(one.id, { views: 100 }, key)];
    expect(again[0]).toEqual(again[1]);
    expect(await tenant.kpis()).toMatchObject({
      landlordViews: 120,
      messagesTotal: 40,
      responseRate: 33.3,
      version: 23,
    });
    const url = `/api/businesses/${one.id}/metrics`;
    const reused = await tenant.ask({ method: 'POST', url, body: { views: 7 }, headers: key });
    expect([reused.statusCode, reused.json().code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    const [sums] = await rows(sql`
      select sum(m.views_count)::int as days, sum(b.views_count)::int as totals from businesses b
      join business_metrics m on m.business_id = b.id where b.user_id = ${tenant.userId}`);
    expect(sums).toEqual({ days: 120, totals: 120 });
  });

  test('are published to the metric store, with the business, its rate from sums', async () => {
    const { id } = await tenant.make();
    await tenant.add(id, { views: 4, messages: 1, invites: 8, day: '2024-12-14' });
    await tenant.add(id, { invites: 2, responses: 3 });
    await tenant.add(id, { views: 5 });
    const points = await rows(sql<object>`
      select metric_name as name, metric_value::float as value, metric_unit as unit, recorded_at as at
      from dashboard_metrics where business_id = ${id} and metric_type = 'tenant' order by recorded_at, metric_name`);
    const noon = new Date('2024-12-14T11:00:00Z');
    const counted = (name: string, value: number, at: Date) => ({ name, value, unit: 'count', at });
    expect(points).toEqual([
      counted('invites', 8, noon),
      counted('messages', 1, noon),
      { name: 'response_rate', value: 12.5, unit: 'percentage', at: noon },
      counted('views', 4, noon),
      counted('invites', 2, it.clock.now),
      { name: 'response_rate', value: 30, unit: 'percentage', at: it.clock.now },
      counted('responses', 3, it.clock.now),
      counted('views', 5, it.clock.now),
    ]);
    const { data } = (
      await tenant.ask({ url: '/api/dashboard/metrics?metric_type=tenant&metric_name=views&granularity=day' })
    ).json();
    expect(data.map(({ sum }: { sum: number }) => sum)).toEqual([5, 4]);
    const catalog = (await tenant.ask({ url: '/api/dashboard/catalog' })).json();
    const read = (catalog.metrics ?? catalog).map(({ metric_name, aggregation }: Record<string, string>) => [
      metric_name,
      aggregation,
    ]);
    expect(read).toEqual([
      ['views', 'sum'],
      ['messages', 'sum'],
      ['invites', 'sum'],
      ['responses', 'sum'],
      ['response_rate', 'last'],
    ]);
  });
});
