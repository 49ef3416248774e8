import { roles } from '@almanac/contract/permissions.ts';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import type { TestMember, TestOrganization } from '#testing/make-app.ts';
import {
  callMembers,
  codeOf,
  type MemberCalls,
  type MembersScene,
  makeMembersScene,
  send,
} from '#testing/members-scene.ts';

let scene: MembersScene;
let organization: TestOrganization;
let owner: TestMember;
let members: MemberCalls;
beforeAll(async () => {
  scene = await makeMembersScene({ ownsDatabase: true, config: { ALMANAC_DEMO: true, ANONYMOUS_ACCESS: true } });
});
beforeEach(async () => {
  organization = await scene.makeOrganization('enterprise');
  owner = await organization.member('owner');
  members = callMembers(scene, organization);
});
afterAll(() => scene.it.close());

describe('The list of members', () => {
  test('shows everybody to every member, the longest first, in pages', async () => {
    const people = [owner];
    for (const role of roles.slice(1)) people.push(await organization.member(role));
    for (const member of people) expect((await members.list(member)).body.items).toHaveLength(5);
    const pages: string[][] = [];
    for (let cursor: string | null = ''; cursor !== null && pages.length < 9; ) {
      const { body } = await members.list(owner, `?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      pages.push(body.items.map((item: { user_id: string }) => item.user_id));
      cursor = body.next_cursor;
    }
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(pages.flat()).toEqual(people.map(({ userId }) => userId));
    const [first] = (await members.list(owner, '?limit=1')).body.items;
    const joined_at = expect.stringMatching(/^\d{4}-.*Z$/);
    expect(first).toMatchObject({ user_id: owner.userId, role: 'owner', mfa_enabled: false, joined_at });
  });

  test('holds those who came in one moment each once', async () => {
    for (let count = 0; count < 4; count += 1) await organization.member('viewer');
    await scene.rows(sql`update user_organizations set created_at = now() where organization_id = ${organization.id}`);
    const first = (await members.list(owner, '?limit=2')).body;
    const second = (await members.list(owner, `?limit=2&cursor=${first.next_cursor}`)).body;
    const third = (await members.list(owner, `?limit=2&cursor=${second.next_cursor}`)).body;
    const ids = [first, second, third].flatMap(({ items }) => items.map((item: { user_id: string }) => item.user_id));
    expect(new Set(ids).size).toBe(5);
  });

  test('takes no cursor of another organization', async () => {
    await organization.member('viewer');
    const { next_cursor } = (await members.list(owner, '?limit=1')).body;
    const other = await scene.makeOrganization();
    const stranger = await other.member('owner');
    const answer = await scene.ask(stranger, other, { path: `members?cursor=${next_cursor}` });
    expect(codeOf(answer)).toEqual([400, 'VALIDATION_ERROR']);
  });

  test('leaves out who has gone, whose account is erased, and the built-in viewer', async () => {
    const gone = await organization.member('member');
    const erased = await organization.member('member');
    await members.setMembership(gone, sql`is_active = false`);
    await scene.rows(sql`update users set deleted_at = now() where id = ${erased.userId}`);
    const { anonymousUserId } = scene.it.features.builtIns;
    await scene.rows(sql`
      insert into user_organizations (organization_id, user_id, role)
      values (${organization.id}, ${anonymousUserId}, 'viewer')`);
    expect((await members.list(owner)).body.items.map((item: { user_id: string }) => item.user_id)).toEqual([
      owner.userId,
    ]);
    for (const userId of [gone.userId, erased.userId, anonymousUserId ?? '', newId()]) {
      expect(codeOf(await members.change(owner, userId, 'admin'))).toEqual([404, 'NOT_FOUND']);
      expect(codeOf(await members.remove(owner, userId))).toEqual([404, 'NOT_FOUND']);
    }
  });
});

describe('Adding somebody', () => {
  test('takes a verified address, in any case', async () => {
    const person = await scene.makePerson();
    const { status, body } = await members.add(owner, { email: person.email.toUpperCase(), role: 'analyst' });
    expect([status, body]).toEqual([
      201,
      {
        user_id: person.userId,
        email: person.email,
        name: expect.any(String),
        role: 'analyst',
        mfa_enabled: false,
        joined_at: scene.it.clock.now.toISOString(),
      },
    ]);
    expect((await members.list(person)).body.items).toHaveLength(2);
    expect(codeOf(await members.add(owner, { email: person.email, role: 'viewer' }))).toEqual([409, 'CONFLICT']);
  });

  test('says to invite where nobody has verified the address', async () => {
    const unverified = await scene.makePerson({ isVerified: false });
    for (const email of [unverified.email, 'nobody@example.org', 'anonymous@almanac.invalid']) {
      const answer = await members.add(owner, { email, role: 'viewer' });
      expect(codeOf(answer)).toEqual([404, 'NOT_FOUND']);
      expect(answer.body.error.message).toContain('POST /api/organizations/:id/invitations');
    }
  });

  test('brings a former member back, with the new role', async () => {
    const person = await scene.makePerson();
    await members.add(owner, { email: person.email, role: 'admin' });
    await members.remove(owner, person.userId);
    expect((await members.add(owner, { email: person.email, role: 'viewer' })).status).toBe(201);
    expect((await scene.rolesIn(organization)).get(person.userId)).toBe('viewer');
  });

  test('takes the place of an invitation', async () => {
    const person = await scene.makePerson();
    const body = { email: person.email.toLowerCase(), role: 'viewer' };
    expect((await members.invite(owner, body)).status).toBe(201);
    expect((await members.add(owner, { email: person.email, role: 'member' })).status).toBe(201);
    expect((await members.listInvited(owner)).body.items).toEqual([]);
  });

  test('happens once for an Idempotency-Key', async () => {
    const person = await scene.makePerson();
    const key = { 'idempotency-key': newId() };
    const body = { email: person.email, role: 'viewer' };
    const first = await members.add(owner, body, key);
    expect(await members.add(owner, body, key)).toMatchObject({ status: 201, body: first.body });
    expect(codeOf(await members.add(owner, body))).toEqual([409, 'CONFLICT']);
  });

  test('ends at what the tier includes, also where many are added at once', async () => {
    await scene.setTier(organization, 'free');
    const people = await Promise.all(Array.from({ length: 6 }, () => scene.makePerson()));
    const answers = await Promise.all(people.map(({ email }) => members.add(owner, { email, role: 'viewer' })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 201, 403, 403, 403, 403]);
    const refused = answers.find(({ status }) => status === 403);
    expect(refused?.body.error).toMatchObject({
      code: 'TIER_LIMIT',
      message: 'The tier free includes 3 members, and there are 3 members. Take a larger tier at POST /users/upgrade.',
    });
  });
});

describe('Whoever is removed or leaves', () => {
  test.each(['remove', 'leave'] as const)('loses access and API keys for it at once: %s', async (how) => {
    const member = await organization.member('member');
    const elsewhere = await scene.makeOrganization();
    await scene.rows(sql`
      insert into user_organizations (organization_id, user_id, role) values (${elsewhere.id}, ${member.userId}, 'member')`);
    const makeKey = async (id: string) =>
      (
        await send(scene.it.app, {
          method: 'POST',
          url: '/auth/api-keys',
          headers: { ...member.headers, 'x-organization-id': id },
          body: { name: 'Build', scopes: ['weekly:read'] },
        })
      ).body.key as string;
    const [here, there] = [await makeKey(organization.id), await makeKey(elsewhere.id)];
    const read = async (headers: Record<string, string>) =>
      (await send(scene.it.app, { url: '/api/weekly/summary', headers })).status;
    expect([await read({ ...member.headers }), await read({ 'x-api-key': here })]).toEqual([200, 200]);
    expect((await (how === 'leave' ? members.leave(member) : members.remove(owner, member.userId))).status).toBe(204);
    expect([await read({ ...member.headers }), await read({ 'x-api-key': here })]).toEqual([404, 401]);
    expect(await read({ 'x-api-key': there })).toBe(200);
    const [entry] = (await scene.actionsIn(organization.id)).slice(-1);
    expect(entry).toEqual({
      action: `members.${how}`,
      actor_id: how === 'leave' ? member.userId : owner.userId,
      target: `user:${member.userId}`,
      details: { role: 'member', api_keys: 1 },
    });
  });

  test('can be brought back, without the keys of before', async () => {
    const person = await scene.makePerson();
    await members.add(owner, { email: person.email, role: 'member' });
    expect((await members.leave(person)).status).toBe(204);
    expect(codeOf(await members.leave(person))).toEqual([404, 'NOT_FOUND']);
    expect((await members.add(owner, { email: person.email, role: 'member' })).status).toBe(201);
    expect((await members.list(person)).status).toBe(200);
  });
});

test('each change stands in the log with who, whom and the roles, and with nobody’s address', async () => {
  const person = await scene.makePerson();
  await members.add(owner, { email: person.email, role: 'viewer' });
  await members.change(owner, person.userId, 'admin');
  await members.change(owner, person.userId, 'admin');
  await members.remove(owner, person.userId);
  const common = { actor_id: owner.userId, target: `user:${person.userId}` };
  const entries = await scene.actionsIn(organization.id);
  expect(entries).toEqual([
    { ...common, action: 'members.add', details: { role: 'viewer' } },
    { ...common, action: 'members.update', details: { from: 'viewer', to: 'admin' } },
    { ...common, action: 'members.remove', details: { role: 'admin', api_keys: 0 } },
  ]);
  expect(JSON.stringify(entries)).not.toContain('@');
});

test('an organization that one is not in is not there, nor are its members in one’s own', async () => {
  const other = await scene.makeOrganization();
  const foreign = await other.member('owner');
  const body = { email: 'ada@example.org', role: 'viewer' };
  const calls = [
    { path: 'members' },
    { path: 'members', method: 'POST' as const, body },
    { path: `members/${foreign.userId}`, method: 'PUT' as const, body: { role: 'viewer' } },
    { path: `members/${foreign.userId}`, method: 'DELETE' as const },
    { path: 'leave', method: 'POST' as const },
    { path: 'invitations' },
    { path: 'invitations', method: 'POST' as const, body },
    { path: `invitations/${newId()}`, method: 'DELETE' as const },
  ];
  for (const call of calls) expect(codeOf(await scene.ask(owner, other, call))).toEqual([404, 'NOT_FOUND']);
  expect(codeOf(await members.change(owner, foreign.userId, 'viewer'))).toEqual([404, 'NOT_FOUND']);
  expect(codeOf(await members.remove(owner, foreign.userId))).toEqual([404, 'NOT_FOUND']);
  expect(await scene.rolesIn(other)).toEqual(new Map([[foreign.userId, 'owner']]));
});
