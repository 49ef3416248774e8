import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TestMember, TestOrganization } from '#testing/make-app.ts';
import {
  callMembers,
  codeOf,
  guestAddress,
  type MemberCalls,
  type MembersScene,
  makeMembersScene,
} from '#testing/members-scene.ts';

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

describe('An invitation', () => {
  test('is mailed with what one needs to know, and makes its addressee a member', async () => {
    const person = await scene.makePerson({ isVerified: false });
    const { status, body } = await members.invite(owner, { email: person.email.toLowerCase(), role: 'analyst' });
    const { now } = scene.it.clock;
    expect([status, body]).toEqual([
      201,
      {
        id: expect.any(String),
        email: person.email.toLowerCase(),
        role: 'analyst',
        invited_by: owner.userId,
        created_at: now.toISOString(),
        expires_at: new Date(now.getTime() + 7 * 86_400_000).toISOString(),
      },
    ]);
    expect((await members.listInvited(owner)).body.items).toEqual([body]);
    const [mail] = await scene.rows(sql<{ subject: string; body_text: string }>`
      select subject, body_text from mails where recipient = ${body.email} and subject like 'Invitation%'`);
    expect(mail?.subject).toBe('Invitation to Test');
    expect(mail?.body_text).toContain('with the role analyst');

    const answer = await scene.accept(person, await scene.mailedToken(person.email));
    const joined = { organization_id: organization.id, organization_name: 'Test', role: 'analyst' };
    expect([answer.status, answer.body]).toEqual([200, joined]);
    expect((await scene.rolesIn(organization)).get(person.userId)).toBe('analyst');
    expect(await members.openIds(owner)).toEqual([]);
    const [account] = await scene.rows(sql`select email_verified_at from users where id = ${person.userId}`);
    expect(account).toEqual({ email_verified_at: now });
    expect(await scene.actionsIn(organization.id)).toEqual([
      {
        action: 'members.invite',
        actor_id: owner.userId,
        target: `invitation:${body.id}`,
        details: { role: 'analyst' },
      },
      {
        action: 'members.acceptInvitation',
        actor_id: person.userId,
        target: `invitation:${body.id}`,
        details: { role: 'analyst' },
      },
    ]);
  });

  test('leaves its token in no table but that of the mails', async () => {
    const token = await members.mailInvitation(owner, guestAddress());
    expect(token).toHaveLength(43);
    const { root } = scene.it.platform.database;
    const { rows: tables } = await sql<{ name: string }>`
      select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')`.execute(root);
    const holding: string[] = [];
    for (const { name } of tables) {
      const { rows } = await sql`select from ${sql.raw(name)} t where strpos(t::text, ${token}) > 0`.execute(root);
      if (rows.length > 0) holding.push(name);
    }
    expect(holding).toEqual(['mails']);
  });

  test('works once, also when it is accepted twenty times at once', async () => {
    const person = await scene.makePerson();
    const token = await members.mailInvitation(owner, person.email);
    const answers = await Promise.all(Array.from({ length: 20 }, () => scene.accept(person, token)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(19).fill(400)]);
    expect((await scene.actionsIn(organization.id)).map(({ action }) => action)).toEqual([
      'members.invite',
      'members.acceptInvitation',
    ]);
  });

  test('is for its addressee alone, whose address it does not tell', async () => {
    const email = guestAddress();
    const token = await members.mailInvitation(owner, email);
    const answer = await scene.accept(await scene.makePerson(), token);
    expect(codeOf(answer)).toEqual([409, 'CONFLICT']);
    expect(answer.body.error.message).toContain('went to g…@example.org');
    expect(JSON.stringify(answer.body)).not.toContain(email);
    expect(await members.openIds(owner)).toHaveLength(1);
  });

  test('brings a former member back, with the role that it says', async () => {
    const person = await scene.makePerson();
    await members.add(owner, { email: person.email, role: 'admin' });
    await members.remove(owner, person.userId);
    expect((await scene.accept(person, await members.mailInvitation(owner, person.email))).status).toBe(200);
    expect((await scene.rolesIn(organization)).get(person.userId)).toBe('viewer');
  });

  test('that is replaced, taken back, expired, used or unknown is refused in the same words', async () => {
    const person = await scene.makePerson();
    const replaced = await members.mailInvitation(owner, person.email);
    const revoked = await members.mailInvitation(owner, person.email.toUpperCase());
    const [id = ''] = await members.openIds(owner);
    expect((await members.revoke(owner, id)).status).toBe(204);
    expect(codeOf(await members.revoke(owner, id))).toEqual([404, 'NOT_FOUND']);
    const expired = await members.mailInvitation(owner, person.email);
    await scene.rows(sql`
      update invitations set expires_at = ${scene.it.clock.now} where organization_id = ${organization.id}`);
    expect(await members.openIds(owner)).toEqual([]);
    const used = await members.mailInvitation(owner, person.email);
    expect((await scene.accept(person, used)).status).toBe(200);
    const messages = new Set<string>();
    for (const token of [replaced, revoked, expired, used, 'x', 'x'.repeat(200)]) {
      const answer = await scene.accept(person, token);
      expect(codeOf(answer)).toEqual(invalid);
      expect(answer.body.error.details.field).toBe('token');
      messages.add(answer.body.error.message);
    }
    expect(messages.size).toBe(1);
  });

  test('ends with the right of whoever invited to give its role', async () => {
    const admin = await organization.member('admin');
    const person = await scene.makePerson();
    const token = await members.mailInvitation(admin, person.email, 'analyst');
    await members.setMembership(admin, sql`role = 'analyst'`);
    expect(codeOf(await scene.accept(person, token))).toEqual(invalid);
    await members.setMembership(admin, sql`role = 'admin', is_active = false`);
    expect(codeOf(await scene.accept(person, token))).toEqual(invalid);
    await members.setMembership(admin, sql`is_active = true`);
    await scene.rows(sql`update users set deleted_at = now() where id = ${admin.userId}`);
    expect(codeOf(await scene.accept(person, token))).toEqual(invalid);
    await scene.rows(sql`update users set deleted_at = null where id = ${admin.userId}`);
    expect((await scene.accept(person, token)).status).toBe(200);
  });
});
