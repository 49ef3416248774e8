import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addAdministrator } from '#app/add-administrator.ts';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { join, makePerson, password, type ScenePerson, setUpSecondFactor } from '#testing/person-scene.ts';

interface Refusal {
  error: { code: string; message: string; details: Record<string, unknown> };
}

/** Asks for the end of an account; answers the status. */
async function end(it: TestApp, { headers, address }: ScenePerson, body: object = { password }): Promise<number> {
  const answer = await inject(it.app, { method: 'DELETE', url: '/users/me', body, headers, remoteAddress: address });
  return answer.statusCode;
}

const refusalOf = (who: ScenePerson, status: number, body: object = { password }) =>
  who.ask<Refusal>({ method: 'DELETE', url: '/users/me', body }, { status });

describe('An erasure is refused', () => {
  let it: TestApp;
  let owner: ScenePerson;
  let other: ScenePerson;
  let organizationId: string;
  beforeAll(async () => {
    it = await makeTestApp({ ownsDatabase: true });
    await makePerson(it, 'Administrator');
  });
  beforeEach(async () => {
    owner = await makePerson(it, 'Owner');
    other = await makePerson(it, 'Other');
    organizationId = owner.ownOrganizationId;
  });
  afterAll(() => it.close());

  const ownersOf = async (id: string) => {
    const { rows } = await sql<{ user_id: string }>`
      select user_id from user_organizations where organization_id = ${id} and role = 'owner' and is_active`.execute(
      it.platform.database.root,
    );
    return rows.map(({ user_id }) => user_id);
  };

  test('with a wrong password, and the account stands', async () => {
    const refused = await refusalOf(owner, 401, { password: 'wrong horse battery' });
    expect(refused.error.code).toBe('INVALID_CREDENTIALS');
    await owner.ask({ url: '/users/profile' });
  });

  test('without a password, naming the field', async () => {
    const refused = await refusalOf(owner, 400, { email: owner.email });
    expect(refused.error).toMatchObject({ code: 'VALIDATION_ERROR', details: { field: 'password' } });
  });

  test('after five wrong passwords, also with the right one', async () => {
    for (let tries = 0; tries < 5; tries += 1) await refusalOf(owner, 401, { password: 'wrong horse battery' });
    expect((await refusalOf(owner, 429)).error.code).toBe('RATE_LIMITED');
  });

  test('without a code where a second factor is on, also of an account without a password', async () => {
    const code = await setUpSecondFactor(it, owner);
    const { email } = owner;
    const missing = await refusalOf(owner, 400);
    expect(missing.error).toMatchObject({ code: 'VALIDATION_ERROR', details: { field: 'code' } });
    const wrong = await refusalOf(owner, 401, { password, code: '000000' });
    expect(wrong.error).toMatchObject({ code: 'INVALID_CREDENTIALS', message: expect.stringContaining('code') });
    await refusalOf(owner, 401, { password: 'wrong horse battery', code });
    await sql`update users set password_hash = null where id = ${owner.userId}`.execute(it.platform.database.root);
    expect((await refusalOf(owner, 400, { email })).error.details.field).toBe('code');
    expect(await end(it, owner, { email, code })).toBe(204);
  });

  test('after five wrong codes, also with a right one', async () => {
    const code = await setUpSecondFactor(it, owner);
    for (let tries = 0; tries < 5; tries += 1) await refusalOf(owner, 401, { password, code: '000000' });
    expect((await refusalOf(owner, 429, { password, code })).error.code).toBe('RATE_LIMITED');
  });

  test('for another reason than the code, which is not used up then', async () => {
    await join(it, { owner, person: other, organizationId, role: 'viewer' });
    const code = await setUpSecondFactor(it, owner);
    await refusalOf(owner, 409, { password, code });
    await owner.ask(
      { method: 'DELETE', url: `/api/organizations/${organizationId}/members/${other.userId}` },
      { status: 204 },
    );
    expect(await end(it, owner, { password, code })).toBe(204);
  });

  test('to the last owner of an organization with others, which is named; another owner makes room', async () => {
    await join(it, { owner, person: other, organizationId, role: 'admin' });
    const { error } = await refusalOf(owner, 409);
    expect(error.code).toBe('CONFLICT');
    expect(error.message).toContain(`“${owner.name}’s organization”`);
    expect(await ownersOf(organizationId)).toEqual([owner.userId]);
    const url = `/api/organizations/${organizationId}/members/${other.userId}`;
    await owner.ask({ method: 'PUT', url, body: { role: 'owner' } });
    expect(await end(it, owner)).toBe(204);
    expect(await ownersOf(organizationId)).toEqual([other.userId]);
  });

  test('to nobody on account of members who left, nor of owners who are not oneself', async () => {
    await join(it, { owner, person: other, organizationId, role: 'viewer' });
    const url = `/api/organizations/${organizationId}/members/${other.userId}`;
    await owner.ask({ method: 'DELETE', url }, { status: 204 });
    expect(await end(it, owner)).toBe(204);
    const { rows } = await sql`select from organizations where id = ${organizationId}`.execute(
      it.platform.database.root,
    );
    expect(rows).toEqual([]);
    const third = await makePerson(it, 'Third');
    await join(it, { owner: other, person: third, organizationId: other.ownOrganizationId, role: 'viewer' });
    expect(await end(it, third)).toBe(204);
    expect(await ownersOf(other.ownOrganizationId)).toEqual([other.userId]);
  });

  test('to one of two owners who go at the same time while a third member stays', async () => {
    const member = await makePerson(it, 'Member');
    await join(it, { owner, person: other, organizationId, role: 'owner' });
    await join(it, { owner, person: member, organizationId, role: 'member' });
    const answers = await Promise.all([end(it, owner), end(it, other)]);
    expect(answers.sort()).toEqual([204, 409]);
    expect(await ownersOf(organizationId)).toHaveLength(1);
  });

  test('the second time, whether at once or later', async () => {
    const answers = await Promise.all([end(it, owner), end(it, owner), end(it, owner)]);
    expect(answers.sort()).toEqual([204, 401, 401]);
    expect(await end(it, owner)).toBe(401);
  });
});

describe('The administrator of an installation', () => {
  let it: TestApp;
  let administrator: ScenePerson;
  beforeEach(async () => {
    it = await makeTestApp({ ownsDatabase: true, config: { ANONYMOUS_ACCESS: true } });
    administrator = await makePerson(it, 'Administrator');
  });
  afterEach(() => it.close());

  const isAdministrator = async ({ userId }: ScenePerson) => {
    const { rows } = await sql<{
      is_admin: boolean;
    }>`select is_instance_admin as is_admin from users where id = ${userId}`.execute(it.platform.database.root);
    return rows[0]?.is_admin;
  };

  test('may go alone: the anonymous viewer is nobody, `local` stays, and the next account administrates', async () => {
    expect(await end(it, administrator)).toBe(204);
    const { rows } = await sql<{ slug: string }>`select slug from organizations`.execute(it.platform.database.root);
    expect(rows).toEqual([{ slug: 'local' }]);
    const next = await makePerson(it, 'Next');
    expect(await isAdministrator(next)).toBe(true);
  });

  test('may not go as the last one while others stay; the command that the answer names makes another', async () => {
    const other = await makePerson(it, 'Other');
    const { error } = await refusalOf(administrator, 409);
    expect(error.message).toContain('almanac admin add');
    const { scopes } = it.platform;
    await expect(addAdministrator(scopes, { email: 'nobody@example.org', now: it.clock.now })).rejects.toThrow(
      "There is no account with the address 'nobody@example.org'.",
    );
    await addAdministrator(scopes, { email: other.email.toUpperCase(), now: it.clock.now });
    expect(await isAdministrator(other)).toBe(true);
    const { rows } = await sql`
      select actor_kind, target from audit_log where action = 'admin.add'`.execute(it.platform.database.root);
    expect(rows).toEqual([{ actor_kind: 'system', target: `user:${other.userId}` }]);
    expect(await end(it, administrator)).toBe(204);
  });

  test('may not go with the other one at the same time while others stay', async () => {
    const [second] = [await makePerson(it, 'Second'), await makePerson(it, 'Third')];
    await addAdministrator(it.platform.scopes, { email: second.email, now: it.clock.now });
    const answers = await Promise.all([end(it, administrator), end(it, second)]);
    expect(answers.sort()).toEqual([204, 409]);
  });

  test('who goes while somebody registers leaves an administrator behind', async () => {
    const [status, next] = await Promise.all([end(it, administrator), makePerson(it, 'Next')]);
    expect(await isAdministrator(status === 204 ? next : administrator)).toBe(true);
  });
});
