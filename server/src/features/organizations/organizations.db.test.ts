import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { type Answer, type MembersScene, makeMembersScene, type Person, send } from '#testing/members-scene.ts';
import { createOrganizationsFeature } from './index.ts';

let scene: MembersScene;
beforeAll(async () => {
  scene = await makeMembersScene({ ownsDatabase: true, config: { ALMANAC_DEMO: true } });
  // The first account owns the organization `local` too.
  await scene.makePerson();
});
afterAll(() => scene.it.close());

const create = ({ headers }: Person, body: object, more: Record<string, string> = {}) =>
  send(scene.it.app, { method: 'POST', url: '/api/organizations', headers: { ...headers, ...more }, body });
const list = async ({ headers }: Person) => (await send(scene.it.app, { url: '/api/organizations', headers })).body;
const update = (who: Pick<Person, 'headers'>, id: string, body: object) =>
  scene.ask(who, { id }, { method: 'PUT', path: '', body });
const code = ({ status, body }: Answer) => [status, body.error?.code];

describe('Making an organization', () => {
  test('makes its maker the owner of a free one, and says so in its log', async () => {
    const person = await scene.makePerson();
    const sent = { name: '  Analytical Engines ', timezone: 'europe/london', first_day_of_week: 7 };
    const { status, body } = await create(person, sent);
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(String),
      slug: expect.stringMatching(/^analytical-engines-[0-9a-f]{10}$/),
      name: 'Analytical Engines',
      role: 'owner',
      timezone: 'Europe/London',
      first_day_of_week: 7,
      subscription_tier: 'free',
      requires_mfa: false,
      is_demo: false,
      created_at: scene.it.clock.now.toISOString(),
    });
    expect(await list(person)).toContainEqual(body);
    expect(await scene.actionsIn(body.id)).toEqual([
      { action: 'organizations.create', actor_id: person.userId, target: `organization:${body.id}`, details: {} },
    ]);
    const headers = { ...person.headers, 'x-organization-id': body.id };
    expect((await send(scene.it.app, { url: '/api/weekly/summary', headers })).status).toBe(200);
  });

  test('counts in UTC from Monday unless told', async () => {
    const { body } = await create(await scene.makePerson(), { name: 'Plain' });
    expect([body.timezone, body.first_day_of_week]).toEqual(['UTC', 1]);
  });

  test.each([
    [{ name: '' }, 'name'],
    [{ name: ' \t ' }, 'name'],
    [{ name: 'Two\nlines' }, 'name'],
    [{ name: 'x'.repeat(201) }, 'name'],
    [{ name: 'X', timezone: 'Mars/Olympus' }, 'timezone'],
    [{ name: 'X', timezone: '+01:00' }, 'timezone'],
    [{ name: 'X', first_day_of_week: 0 }, 'first_day_of_week'],
    [{ name: 'X', subscription_tier: 'enterprise' }, 'subscription_tier'],
    [{}, 'name'],
  ])('refuses %j and names the field', async (body, field) => {
    const person = await scene.makePerson();
    const answer = await create(person, body);
    expect(code(answer)).toEqual([400, 'VALIDATION_ERROR']);
    expect(answer.body.error.details.field).toBe(field);
    expect(await list(person)).toHaveLength(1);
  });

  test('happens once for an Idempotency-Key', async () => {
    const person = await scene.makePerson();
    const key = { 'idempotency-key': newId() };
    const first = await create(person, { name: 'Once' }, key);
    expect(await create(person, { name: 'Once' }, key)).toMatchObject({ status: 201, body: first.body });
    expect(code(await create(person, { name: 'Twice' }, key))).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    expect(await list(person)).toHaveLength(2);
    expect(await create(await scene.makePerson(), { name: 'Once' }, key)).not.toMatchObject({ body: first.body });
  });

  test('stops at twenty of one owner, also where many are made at once', async () => {
    const person = await scene.makePerson();
    const answers = await Promise.all(Array.from({ length: 25 }, () => create(person, { name: 'Many' })));
    const statuses = answers.map(({ status }) => status).toSorted();
    expect(statuses).toEqual([...Array(19).fill(201), ...Array(6).fill(409)]);
    expect(await list(person)).toHaveLength(20);
  });
});

describe('Changing an organization', () => {
  test('changes the name, and takes the rest back as it was read', async () => {
    const organization = await scene.makeOrganization();
    const owner = await organization.member('owner');
    const { status, body } = await update(owner, organization.id, { name: ' Difference Engines ' });
    expect([status, body.name]).toEqual([200, 'Difference Engines']);
    expect(await update(owner, organization.id, body)).toMatchObject({ status: 200, body });
    const entry = { action: 'organizations.update', details: { changed: 'name' } };
    expect(await scene.actionsIn(organization.id)).toMatchObject([entry]);
  });

  test('changes the calendar, and says so in its log and its feed', async () => {
    const organization = await scene.makeOrganization();
    const owner = await organization.member('owner');
    const { status, body } = await update(owner, organization.id, { timezone: 'asia/kolkata', first_day_of_week: 7 });
    expect([status, body.timezone, body.first_day_of_week]).toEqual([200, 'Asia/Kolkata', 7]);
    expect(await update(owner, organization.id, { timezone: 'ASIA/KOLKATA', first_day_of_week: 7 })).toMatchObject({
      status: 200,
      body,
    });
    const calendar = { timezone: { from: 'UTC', to: 'Asia/Kolkata' }, first_day_of_week: { from: 1, to: 7 } };
    expect(await scene.actionsIn(organization.id)).toMatchObject([
      { action: 'organizations.update', target: `organization:${organization.id}`, details: calendar },
    ]);
    const { body: feed } = await send(scene.it.app, {
      url: '/api/feed?after=0&types=organization.calendar',
      headers: owner.headers,
    });
    expect(feed.events.map(({ payload }: { payload: object }) => payload)).toEqual([
      { timezone: 'Asia/Kolkata', first_day_of_week: 7 },
    ]);
  });

  test('of the calendar counts for every member with the next request', async () => {
    const organization = await scene.makeOrganization();
    const owner = await organization.member('owner');
    const member = await organization.member('viewer');
    const weekOf = async () =>
      (await send(scene.it.app, { url: '/api/weekly/summary', headers: member.headers })).body.data.week;
    expect(await weekOf()).toMatchObject({ start: '2024-12-16T00:00:00.000Z', timezone: 'UTC' });
    await update(owner, organization.id, { timezone: 'Asia/Kolkata' });
    expect(await weekOf()).toMatchObject({ start: '2024-12-15T18:30:00.000Z', timezone: 'Asia/Kolkata' });
    await update(owner, organization.id, { first_day_of_week: 3 });
    expect(await weekOf()).toMatchObject({ id: '2024-W51', start: '2024-12-17T18:30:00.000Z' });
  });

  test.each([
    { timezone: 'Mars/Olympus' },
    { timezone: '+01:00' },
    { timezone: '' },
    { timezone: null },
    { timezone: 5 },
    { timezone: `Europe/${'x'.repeat(100)}` },
    { first_day_of_week: 0 },
    { first_day_of_week: 8 },
    { first_day_of_week: 1.5 },
    { first_day_of_week: 'Monday' },
    { slug: 'other' },
    { subscription_tier: 'enterprise' },
    { role: 'viewer' },
    { unknown: 1 },
    { name: '   ' },
  ])('refuses %j, and then changes nothing', async (change) => {
    const organization = await scene.makeOrganization();
    const owner = await organization.member('owner');
    const answer = await update(owner, organization.id, { name: 'Other', ...change });
    expect(code(answer)).toEqual([400, 'VALIDATION_ERROR']);
    expect(answer.body.error.details.field).toBe(Object.keys(change)[0]);
    const unchanged = { name: 'Test', timezone: 'UTC', first_day_of_week: 1 };
    expect((await update(owner, organization.id, {})).body).toMatchObject(unchanged);
    expect(await scene.actionsIn(organization.id)).toEqual([]);
  });

  test('takes an owner, and an organization of one’s own', async () => {
    const organization = await scene.makeOrganization();
    const admin = await organization.member('admin');
    for (const change of [{ name: 'Mine' }, { timezone: 'Asia/Tokyo' }, { first_day_of_week: 7 }])
      expect(code(await update(admin, organization.id, change))).toEqual([403, 'FORBIDDEN']);
    const stranger = await scene.makePerson();
    expect(code(await update(stranger, organization.id, { name: 'Mine' }))).toEqual([404, 'NOT_FOUND']);
  });

  test('is refused to who was an owner a moment ago', async () => {
    const organization = await scene.makeOrganization();
    const owner = await organization.member('owner');
    expect((await scene.ask(owner, organization, { path: 'members' })).status).toBe(200);
    await scene.rows(sql`update user_organizations set role = 'admin' where user_id = ${owner.userId}`);
    expect(code(await update(owner, organization.id, { name: 'Mine' }))).toEqual([403, 'FORBIDDEN']);
  });
});

describe('Asking for a second factor', () => {
  const require = (who: Pick<Person, 'headers'>, id: string) => update(who, id, { requires_mfa: true });

  test('takes the tier enterprise', async () => {
    for (const tier of ['free', 'pro'] as const) {
      const organization = await scene.makeOrganization(tier);
      const answer = await require(await organization.member('owner'), organization.id);
      expect(code(answer)).toEqual([403, 'TIER_LIMIT']);
      expect(answer.body.error.message).toContain('POST /users/upgrade');
    }
  });

  test('takes a second factor of one’s own, and counts for everybody at once', async () => {
    const organization = await scene.makeOrganization('enterprise');
    const owner = await organization.member('owner');
    const member = await organization.member('member');
    const members = async () => (await scene.ask(member, organization, { path: 'members' })).status;
    expect(code(await require(owner, organization.id))).toEqual([409, 'CONFLICT']);
    expect(await members()).toBe(200);
    await scene.rows(sql`update users set mfa_enabled_at = now() where id = ${owner.userId}`);
    expect(await require(owner, organization.id)).toMatchObject({ status: 200, body: { requires_mfa: true } });
    expect(await members()).toBe(403);
    expect((await update(owner, organization.id, { requires_mfa: false })).status).toBe(200);
    expect(await members()).toBe(200);
    const changes = (await scene.actionsIn(organization.id)).map(({ details }) => details);
    expect(changes).toEqual([{ requires_mfa: true }, { requires_mfa: false }]);
  });
});

test('the built-in organizations have the largest tier, and keep what it is changed to', async () => {
  const { localOrganizationId, demoOrganizationId } = scene.it.features.builtIns;
  const tierOf = async (id: string | undefined) =>
    (await scene.rows(sql<{ tier: string }>`select subscription_tier as tier from organizations where id = ${id}`))[0];
  expect(await tierOf(localOrganizationId)).toEqual({ tier: 'enterprise' });
  expect(await tierOf(demoOrganizationId)).toEqual({ tier: 'enterprise' });
  await scene.rows(sql`update organizations set subscription_tier = 'pro' where id = ${localOrganizationId}`);
  const feature = createOrganizationsFeature({
    ...scene.it.platform,
    forgetOrganization: async () => undefined,
    onCalendarChange: [],
  });
  const again = await feature.putBuiltIns({ demo: true, anonymous: true, timezone: 'Asia/Tokyo' });
  expect(again).toEqual(scene.it.features.builtIns);
  expect(await tierOf(localOrganizationId)).toEqual({ tier: 'pro' });
});
