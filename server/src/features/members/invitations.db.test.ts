import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import type { TestMember, TestOrganization } from '#testing/make-app.ts';
import {
  callMembers,
  codeOf,
  guestAddress,
  type MemberCalls,
  type MembersScene,
  makeMembersScene,
} from '#testing/members-scene.ts';
import { pruneInvitations } from './members.jobs.ts';

let scene: MembersScene;
let organization: TestOrganization;
let owner: TestMember;
let members: MemberCalls;
beforeAll(async () => {
  scene = await makeMembersScene();
});
beforeEach(async () => {
  organization = await scene.makeOrganization('enterprise');
  owner = await organization.member('owner');
  members = callMembers(scene, organization);
});
afterAll(() => scene.it.close());

const invalid = [400, 'VALIDATION_ERROR'];

describe('Inviting', () => {
  test('again replaces what was open for the address', async () => {
    const email = guestAddress();
    const first = await members.mailInvitation(owner, email, 'viewer');
    const second = await members.mailInvitation(owner, email.toUpperCase(), 'member');
    expect(second).not.toBe(first);
    expect((await members.listInvited(owner)).body.items).toMatchObject([
      { email: email.toUpperCase(), role: 'member' },
    ]);
  });

  test('happens once for an Idempotency-Key, with one mail', async () => {
    const email = guestAddress();
    const key = { 'idempotency-key': newId() };
    const first = await members.invite(owner, { email, role: 'viewer' }, key);
    expect(await members.invite(owner, { email, role: 'viewer' }, key)).toMatchObject({
      status: 201,
      body: first.body,
    });
    expect(await scene.rows(sql`select from mails where recipient = ${email}`)).toHaveLength(1);
  });

  test('a member, in any case, is a conflict', async () => {
    const person = await scene.makePerson();
    await members.add(owner, { email: person.email, role: 'viewer' });
    const answer = await members.invite(owner, { email: person.email.toUpperCase(), role: 'admin' });
    expect(codeOf(answer)).toEqual([409, 'CONFLICT']);
  });

  test.each(['ada', 'ada@', 'ada@example.org, bob@example.org', 'Ada <ada@example.org>', '"a b"@example.org'])(
    '%s is refused',
    async (email) => {
      const answer = await members.invite(owner, { email, role: 'viewer' });
      expect(codeOf(answer)).toEqual(invalid);
      expect(answer.body.error.details.field).toBe('email');
    },
  );

  test('as owner or admin takes an owner, and so does replacing or taking back such an invitation', async () => {
    const admin = await organization.member('admin');
    const [email, other] = [guestAddress(), guestAddress()];
    for (const role of ['owner', 'admin']) {
      expect(codeOf(await members.invite(admin, { email, role }))).toEqual([403, 'FORBIDDEN']);
    }
    await members.mailInvitation(owner, email, 'admin');
    expect(codeOf(await members.invite(admin, { email, role: 'viewer' }))).toEqual([403, 'FORBIDDEN']);
    const [id = ''] = await members.openIds(owner);
    expect(codeOf(await members.revoke(admin, id))).toEqual([403, 'FORBIDDEN']);
    await members.mailInvitation(owner, other, 'viewer');
    const [newest = ''] = await members.openIds(owner);
    expect((await members.revoke(admin, newest)).status).toBe(204);
    expect(await members.openIds(owner)).toEqual([id]);
  });

  test('takes an admin, also to see who is invited', async () => {
    await members.mailInvitation(owner, guestAddress());
    const [id = ''] = await members.openIds(owner);
    for (const role of ['analyst', 'member', 'viewer'] as const) {
      const member = await organization.member(role);
      const answers = [
        await members.invite(member, { email: guestAddress(), role: 'viewer' }),
        await members.listInvited(member),
        await members.revoke(member, id),
      ];
      expect(answers.map(codeOf)).toEqual(Array(3).fill([403, 'FORBIDDEN']));
    }
  });

  test('ends at thirty in an hour, and goes on with time', async () => {
    const answers = [];
    for (let count = 0; count < 31; count += 1) {
      answers.push(await members.invite(owner, { email: 'again@example.org', role: 'viewer' }));
    }
    expect(answers.map(({ status }) => status)).toEqual([...Array(30).fill(201), 429]);
    expect(Number(answers.at(-1)?.headers['retry-after'])).toBe(120);
    scene.pass(120);
    expect((await members.invite(owner, { email: 'again@example.org', role: 'viewer' })).status).toBe(201);
  });

  test('ends at thirty tries, the refused ones among them', async () => {
    const person = await scene.makePerson();
    await members.add(owner, { email: person.email, role: 'viewer' });
    const answers = [];
    for (let count = 0; count < 31; count += 1) {
      answers.push(await members.invite(owner, { email: person.email, role: 'viewer' }));
    }
    expect(answers.map(({ status }) => status)).toEqual([...Array(30).fill(409), 429]);
  });

  test('ends at fifty that are open, and goes on once some have expired', async () => {
    await scene.rows(sql`
      insert into invitations (organization_id, id, email, role, token_hash, invited_by, created_at, expires_at)
      select ${organization.id}, gen_random_uuid(), 'guest' || n || '@example.org', 'viewer', sha256(gen_random_uuid()::text::bytea),
        ${owner.userId}, ${scene.it.clock.now}, ${new Date(scene.it.clock.now.getTime() + 60_000)}
      from generate_series(1, 50) n`);
    expect(codeOf(await members.invite(owner, { email: guestAddress(), role: 'viewer' }))).toEqual([409, 'CONFLICT']);
    expect((await members.invite(owner, { email: 'guest7@example.org', role: 'viewer' })).status).toBe(201);
    scene.pass(60);
    expect((await members.invite(owner, { email: guestAddress(), role: 'viewer' })).status).toBe(201);
  });
});

describe('The tier', () => {
  test('counts who is invited beside who is there', async () => {
    await scene.setTier(organization, 'free');
    const email = guestAddress();
    await members.mailInvitation(owner, email);
    await members.mailInvitation(owner, guestAddress());
    const answer = await members.invite(owner, { email: guestAddress(), role: 'viewer' });
    expect(answer.body.error).toMatchObject({
      code: 'TIER_LIMIT',
      message:
        'The tier free includes 3 members, and there are 1 member and 2 open invitations. ' +
        'Take a larger tier at POST /users/upgrade.',
    });
    expect((await members.invite(owner, { email, role: 'member' })).status).toBe(201);
    const person = await scene.makePerson();
    expect(codeOf(await members.add(owner, { email: person.email, role: 'viewer' }))).toEqual([403, 'TIER_LIMIT']);
  });

  test('is never exceeded, also when ten accept at once', async () => {
    const people = await Promise.all(Array.from({ length: 10 }, () => scene.makePerson()));
    const tokens: string[] = [];
    for (const { email } of people) tokens.push(await members.mailInvitation(owner, email));
    await scene.setTier(organization, 'free');
    const answers = await Promise.all(people.map((person, index) => scene.accept(person, tokens[index] ?? '')));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, ...Array(8).fill(403)]);
    expect(answers.filter(({ status }) => status === 403).map(codeOf)).toEqual(Array(8).fill([403, 'TIER_LIMIT']));
    expect(await scene.rolesIn(organization)).toHaveProperty('size', 3);
  });
});

test('open invitations are listed in pages, the newest first', async () => {
  for (let count = 0; count < 5; count += 1) await members.mailInvitation(owner, guestAddress());
  const all = await members.openIds(owner);
  const pages: string[][] = [];
  for (let cursor: string | null = ''; cursor !== null && pages.length < 9; ) {
    const { body } = await members.listInvited(owner, `?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
    pages.push(body.items.map(({ id }: { id: string }) => id));
    cursor = body.next_cursor;
  }
  expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
  expect(pages.flat()).toEqual(all);
  expect(all).toEqual(all.toSorted().toReversed());
});

test('an invitation of another organization is not there', async () => {
  await members.mailInvitation(owner, guestAddress());
  const [id = ''] = await members.openIds(owner);
  const other = await scene.makeOrganization();
  const stranger = await other.member('owner');
  expect(codeOf(await callMembers(scene, other).revoke(stranger, id))).toEqual([404, 'NOT_FOUND']);
  expect(await members.openIds(owner)).toEqual([id]);
});

test('expired invitations are removed, and no others', async () => {
  const kept = async () =>
    (await scene.rows(sql`select from invitations where organization_id = ${organization.id}`)).length;
  const { scopes, now } = scene.it.platform;
  const prune = () =>
    pruneInvitations.handler({ now, inInstance: scopes.inInstance } as Parameters<typeof pruneInvitations.handler>[0]);
  await members.mailInvitation(owner, guestAddress());
  scene.pass(86_400);
  await callMembers(scene, organization).invite(await organization.member('owner'), {
    email: guestAddress(),
    role: 'viewer',
  });
  await prune();
  expect(await kept()).toBe(2);
  scene.pass(6 * 86_400);
  await prune();
  expect(await kept()).toBe(1);
  expect(await prune()).toBeUndefined();
});
