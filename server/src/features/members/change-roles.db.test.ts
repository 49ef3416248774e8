import { type Role, roles } from '@almanac/contract/permissions.ts';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
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

describe('Roles are given and taken', () => {
  const mayGive: Partial<Record<Role, readonly Role[]>> = { owner: roles, admin: ['analyst', 'member', 'viewer'] };
  const isGiven = (own: Role, role: Role) => mayGive[own]?.includes(role) ?? false;

  test.each(roles)('by %s as the table says, to and from each role', async (own) => {
    const actor = own === 'owner' ? owner : await organization.member(own);
    await organization.member('owner');
    const target = await organization.member('viewer');
    for (const [from, to] of roles.flatMap((from) => roles.map((to) => [from, to] as const))) {
      await members.setMembership(target, sql`role = ${from}`);
      const { status } = await members.change(actor, target.userId, to);
      const isAllowed = isGiven(own, from) && isGiven(own, to);
      expect([from, to, status]).toEqual([from, to, isAllowed ? 200 : 403]);
      expect((await scene.rolesIn(organization)).get(target.userId)).toBe(isAllowed ? to : from);
    }
  });

  test.each(roles)('away by %s as the table says', async (own) => {
    const actor = own === 'owner' ? owner : await organization.member(own);
    const target = await organization.member('viewer');
    for (const role of roles) {
      await members.setMembership(target, sql`role = ${role}, is_active = true`);
      const { status } = await members.remove(actor, target.userId);
      expect([role, status]).toEqual([role, isGiven(own, role) ? 204 : 403]);
      expect((await scene.rolesIn(organization)).has(target.userId)).toBe(!isGiven(own, role));
    }
  });

  test.each(roles)('to new members by %s as the table says', async (own) => {
    const actor = own === 'owner' ? owner : await organization.member(own);
    const person = await scene.makePerson();
    for (const role of roles) {
      await members.setMembership({ ...actor, userId: person.userId }, sql`is_active = false`);
      const { status } = await members.add(actor, { email: person.email, role });
      expect([role, status]).toEqual([role, isGiven(own, role) ? 201 : 403]);
    }
  });

  test('by an owner’s API key no further than by an admin: it neither makes nor unmakes owners and admins', async () => {
    const body = { name: 'provisioning', scopes: ['members:write'] };
    const made = await send(scene.it.app, { method: 'POST', url: '/auth/api-keys', headers: owner.headers, body });
    const { key } = made.body as { key: string };
    const byKey = { ...owner, headers: { 'x-api-key': key } } as never;
    const target = await organization.member('viewer');
    const other = await organization.member('owner');
    expect((await members.change(byKey, target.userId, 'analyst')).status).toBe(200);
    expect((await members.change(byKey, target.userId, 'owner')).status).toBe(403);
    expect((await members.change(byKey, other.userId, 'viewer')).status).toBe(403);
    expect((await members.remove(byKey, other.userId)).status).toBe(403);
    const { email } = await scene.makePerson();
    expect((await members.add(byKey, { email, role: 'admin' })).status).toBe(403);
    expect((await members.add(byKey, { email, role: 'member' })).status).toBe(201);
  });

  test('by what one is now, not by what one was a moment ago', async () => {
    const admin = await organization.member('admin');
    const viewer = await organization.member('viewer');
    expect((await members.change(admin, viewer.userId, 'member')).status).toBe(200);
    await members.setMembership(admin, sql`role = 'member'`);
    expect(codeOf(await members.change(admin, viewer.userId, 'viewer'))).toEqual([403, 'FORBIDDEN']);
    await members.setMembership(admin, sql`is_active = false`);
    expect(codeOf(await members.remove(admin, viewer.userId))).toEqual([404, 'NOT_FOUND']);
  });

  test('and count at once in the process that gave them', async () => {
    const member = await organization.member('viewer');
    const invited = () => members.listInvited(member);
    expect((await invited()).status).toBe(403);
    await members.change(owner, member.userId, 'admin');
    expect((await invited()).status).toBe(200);
    await members.change(owner, member.userId, 'viewer');
    expect((await invited()).status).toBe(403);
  });
});

describe('The last owner', () => {
  const attempts = [
    ['is not demoted', () => members.change(owner, owner.userId, 'admin')],
    ['is not removed', () => members.remove(owner, owner.userId)],
    ['does not leave', () => members.leave(owner)],
  ] as const;

  test.each(attempts)('%s, unless there is another whose account and membership are active', async (_what, attempt) => {
    const other = await organization.member('owner');
    await members.setMembership(other, sql`is_active = false`);
    expect(codeOf(await attempt())).toEqual([409, 'CONFLICT']);
    await members.setMembership(other, sql`is_active = true`);
    await scene.rows(sql`update users set deleted_at = now() where id = ${other.userId}`);
    expect(codeOf(await attempt())).toEqual([409, 'CONFLICT']);
    await scene.rows(sql`update users set deleted_at = null where id = ${other.userId}`);
    expect((await attempt()).status).toBeLessThan(300);
  });

  test('stays where owners demote, remove and leave all at once', async () => {
    const owners = [owner, await organization.member('owner'), await organization.member('owner')];
    const step = fc.record({
      by: fc.nat(2),
      at: fc.nat(2),
      what: fc.constantFrom('demote' as const, 'remove' as const, 'leave' as const),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 8 }), async (steps) => {
        for (const one of owners) await members.setMembership(one, sql`role = 'owner', is_active = true`);
        // What is known of them is looked up anew, and their tokens still last.
        scene.pass(5);
        const answers = await Promise.all(
          steps.map(({ by, at, what }) => {
            const actor = owners[by] ?? owner;
            const target = owners[at] ?? owner;
            if (what === 'leave') return members.leave(actor);
            return what === 'demote'
              ? members.change(actor, target.userId, 'member')
              : members.remove(actor, target.userId);
          }),
        );
        for (const { status } of answers) expect([200, 204, 403, 404, 409]).toContain(status);
        expect([...(await scene.rolesIn(organization)).values()]).toContain('owner');
      }),
      { numRuns: 20 },
    );
  });

  test('of two who demote each other at once is one of them', async () => {
    const other = await organization.member('owner');
    for (let round = 0; round < 10; round += 1) {
      for (const one of [owner, other]) await members.setMembership(one, sql`role = 'owner'`);
      scene.pass(5);
      const answers = await Promise.all([
        members.change(owner, other.userId, 'admin'),
        members.change(other, owner.userId, 'admin'),
      ]);
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 403]);
      expect([...(await scene.rolesIn(organization)).values()].toSorted()).toEqual(['admin', 'owner']);
    }
  });
});
