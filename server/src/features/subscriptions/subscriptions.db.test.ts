import { entitlements } from '@almanac/contract/tiers.ts';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import type { TestOrganization } from '#testing/make-app.ts';
import { codeOf, type MembersScene, makeMembersScene, type Person, send } from '#testing/members-scene.ts';

const requestsOfFree = 5;
let scene: MembersScene;
beforeAll(async () => {
  const perMinute = (tier: string) => (tier === 'free' ? requestsOfFree : 1_000_000);
  scene = await makeMembersScene({ limits: { perMinute, addressPerMinute: 1_000_000 } });
  // The first account owns the organization `local` too.
  await scene.makePerson();
});
afterAll(() => scene.it.close());

type Who = Pick<Person, 'headers'>;
const get = ({ headers }: Who) => send(scene.it.app, { url: '/users/subscription', headers });
const change = ({ headers }: Who, tier: string) =>
  send(scene.it.app, { method: 'POST', url: '/users/upgrade', headers, body: { tier } });
const addSources = ({ id }: TestOrganization, count: number) =>
  sql`insert into sources (organization_id, id, kind, name)
    select ${id}, gen_random_uuid(), 'test', n::text from generate_series(1, ${count}::int) n`.execute(
    scene.it.platform.database.root,
  );

describe('A subscription', () => {
  test('shows every member the tier, what it includes and what of it is used', async () => {
    const organization = await scene.makeOrganization('pro');
    const viewer = await organization.member('viewer');
    const erased = await organization.member('viewer');
    const gone = await organization.member('viewer');
    await scene.rows(sql`update users set deleted_at = now() where id = ${erased.userId}`);
    await scene.rows(sql`update user_organizations set is_active = false where user_id = ${gone.userId}`);
    await addSources(organization, 2);
    expect(await get(viewer)).toMatchObject({
      status: 200,
      body: {
        organization_id: organization.id,
        tier: 'pro',
        entitlements: entitlements.pro,
        usage: { members: 1, sources: 2 },
      },
    });
  });

  test('says null for what has no limit', async () => {
    const organization = await scene.makeOrganization('enterprise');
    const { body } = await get(await organization.member('owner'));
    expect(body.entitlements).toEqual(entitlements.enterprise);
    expect(body.entitlements.members).toBeNull();
  });
});

describe('Changing the tier', () => {
  test('counts at once, for the rate too', async () => {
    const organization = await scene.makeOrganization();
    const owner = await organization.member('owner');
    for (let count = 1; count < requestsOfFree; count += 1) expect((await get(owner)).status).toBe(200);
    expect(await change(owner, 'pro')).toMatchObject({
      status: 200,
      body: { tier: 'pro', entitlements: entitlements.pro },
    });
    for (let count = 0; count < 2 * requestsOfFree; count += 1) expect((await get(owner)).body.tier).toBe('pro');
    expect(await scene.actionsIn(organization.id)).toEqual([
      {
        action: 'subscription.change',
        actor_id: owner.userId,
        target: `organization:${organization.id}`,
        details: { from: 'free', to: 'pro' },
      },
    ]);
  });

  test('to the same one changes nothing', async () => {
    const organization = await scene.makeOrganization('pro');
    const owner = await organization.member('owner');
    expect(await change(owner, 'pro')).toMatchObject({ status: 200, body: { tier: 'pro' } });
    expect(await scene.actionsIn(organization.id)).toEqual([]);
  });

  test('is mirrored by the account that the organization was made with, and by no other', async () => {
    const person = await scene.makePerson();
    const tierOf = async () =>
      (await send(scene.it.app, { url: '/users/profile', headers: person.headers })).body.subscription_tier;
    expect(await tierOf()).toBe('free');
    expect((await change(person, 'enterprise')).status).toBe(200);
    expect(await tierOf()).toBe('enterprise');
    const organization = await scene.makeOrganization();
    await scene.rows(sql`
      insert into user_organizations (organization_id, user_id, role) values (${organization.id}, ${person.userId}, 'owner')`);
    expect((await change({ headers: { ...person.headers, 'x-organization-id': organization.id } }, 'pro')).status).toBe(
      200,
    );
    expect(await tierOf()).toBe('enterprise');
  });

  test('to a smaller one is refused while there is more than it includes', async () => {
    const organization = await scene.makeOrganization('enterprise');
    const owner = await organization.member('owner');
    for (let count = 0; count < 3; count += 1) await organization.member('viewer');
    await addSources(organization, 4);
    await scene.rows(sql`update organizations set requires_mfa = true where id = ${organization.id}`);
    await scene.rows(sql`update users set mfa_enabled_at = now() where id = ${owner.userId}`);
    const answer = await change(owner, 'free');
    expect(codeOf(answer)).toEqual([409, 'CONFLICT']);
    for (const part of ['4 members', '4 sources', 'second factor']) expect(answer.body.error.message).toContain(part);
    expect((await get(owner)).body.tier).toBe('enterprise');
    expect((await change(owner, 'pro')).body.error.message).not.toContain('members where');

    await scene.rows(sql`update organizations set requires_mfa = false where id = ${organization.id}`);
    expect((await change(owner, 'pro')).status).toBe(200);
    await scene.rows(sql`
      update user_organizations set is_active = false where organization_id = ${organization.id} and role = 'viewer'`);
    await sql`delete from sources where organization_id = ${organization.id} and name = '1'`.execute(
      scene.it.platform.database.root,
    );
    expect(await change(owner, 'free')).toMatchObject({ status: 200, body: { usage: { members: 1, sources: 3 } } });
  });

  test('takes an owner, signed in', async () => {
    const organization = await scene.makeOrganization('pro');
    const owner = await organization.member('owner');
    for (const role of ['admin', 'analyst', 'member', 'viewer'] as const) {
      expect(codeOf(await change(await organization.member(role), 'enterprise'))).toEqual([403, 'FORBIDDEN']);
    }
    const { body } = await send(scene.it.app, {
      method: 'POST',
      url: '/auth/api-keys',
      headers: owner.headers,
      body: { name: 'Billing', scopes: ['subscription:read'] },
    });
    const key = { headers: { 'x-api-key': body.key as string } };
    expect([(await get(key)).status, codeOf(await change(key, 'enterprise'))]).toEqual([200, [403, 'FORBIDDEN']]);
    expect((await change(owner, 'gold')).status).toBe(400);
    await scene.rows(sql`
      update user_organizations set role = 'admin' where organization_id = ${organization.id} and user_id = ${owner.userId}`);
    expect(codeOf(await change(owner, 'enterprise'))).toEqual([403, 'FORBIDDEN']);
    expect((await get(owner)).body.tier).toBe('pro');
  });

  test('of an organization that one is not in is not there', async () => {
    const other = await scene.makeOrganization();
    const person = await scene.makePerson();
    for (const id of [other.id, other.slug, newId()]) {
      const stranger = { headers: { ...person.headers, 'x-organization-id': id } };
      expect(codeOf(await get(stranger))).toEqual([404, 'NOT_FOUND']);
      expect(codeOf(await change(stranger, 'pro'))).toEqual([404, 'NOT_FOUND']);
    }
  });

  test('and joining at once never leave more members than the tier includes', async () => {
    for (let round = 0; round < 5; round += 1) {
      const organization = await scene.makeOrganization('pro');
      const owner = await organization.member('owner');
      for (let count = 0; count < 2; count += 1) await organization.member('viewer');
      const person = await scene.makePerson();
      const body = { email: person.email, role: 'viewer' };
      const answers = await Promise.all([
        change(owner, 'free'),
        scene.ask(owner, organization, { method: 'POST', path: 'members', body }),
      ]);
      expect([
        [200, 403],
        [409, 201],
      ]).toContainEqual(answers.map(({ status }) => status));
    }
  });
});
