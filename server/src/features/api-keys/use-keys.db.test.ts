import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp, type TestMember, type TestOrganization } from '#testing/make-app.ts';
import { createApiKeysFeature } from './index.ts';
import { makeKey } from './make-key.ts';

let it: TestApp;
let organization: TestOrganization;
let member: TestMember;
beforeAll(async () => {
  it = await makeTestApp({ ownsDatabase: true, config: { ALMANAC_DEMO: true, ANONYMOUS_ACCESS: true } });
});
beforeEach(async () => {
  organization = await it.makeOrganization();
  member = await organization.member('member');
});
afterAll(() => it.close());

const make = async ({ headers }: TestMember, body: object = {}) => {
  const wanted = { name: 'Build', scopes: ['weekly:read', 'weekly:write'], ...body };
  const answer = await inject(it.app, { method: 'POST', url: '/auth/api-keys', headers, body: wanted });
  return answer.json<{ id: string; key: string }>();
};
const read = async (key: string, headers: Record<string, string> = {}) =>
  (await inject(it.app, { url: '/api/weekly/summary', headers: { 'x-api-key': key, ...headers } })).statusCode;
const post = async (key: string) => {
  const item = { kind: 'update', title: 'Shipped', author: 'Ada', occurred_at: it.clock.now.toISOString() };
  const headers = { 'x-api-key': key };
  return (await inject(it.app, { method: 'POST', url: '/api/weekly/items', headers, body: { items: [item] } }))
    .statusCode;
};
const pass = (seconds: number) => {
  it.clock.now = new Date(it.clock.now.getTime() + seconds * 1_000);
};
const change = (statement: ReturnType<typeof sql>) => it.platform.scopes.inInstance(({ db }) => statement.execute(db));
const membership = () => sql`organization_id = ${organization.id} and user_id = ${member.userId}`;

describe('A key', () => {
  test('may do what its scopes say, and no more', async () => {
    const { key } = await make(member);
    const { key: readOnly } = await make(member, { scopes: ['weekly:read'] });
    expect([await read(key), await read(readOnly)]).toEqual([200, 200]);
    expect([await post(key), await post(readOnly)]).toEqual([200, 403]);
    const answer = await inject(it.app, { url: '/api/feed', headers: { 'x-api-key': key } });
    expect(answer.statusCode).toBe(403);
    expect(JSON.stringify(answer.json())).toContain('The API key lacks the scope feed:read');
  });

  test('makes, shows and ends no keys, whatever its owner may', async () => {
    const { id, key } = await make(await organization.member('owner'));
    const headers = { 'x-api-key': key };
    const body = { name: 'Another', scopes: ['weekly:read'] };
    const answers = [
      await inject(it.app, { url: '/auth/api-keys', headers }),
      await inject(it.app, { method: 'POST', url: '/auth/api-keys', headers, body }),
      await inject(it.app, { method: 'DELETE', url: `/auth/api-keys/${id}`, headers }),
    ];
    for (const answer of answers) {
      expect([answer.statusCode, answer.json().error.message]).toEqual([403, 'An API key cannot do this: sign in.']);
    }
    expect(await read(key)).toBe(200);
  });

  test('is good in its own organization alone, also where its owner is in others', async () => {
    const other = await it.makeOrganization();
    await change(
      sql`insert into user_organizations (organization_id, user_id, role) values (${other.id}, ${member.userId}, 'owner')`,
    );
    const { key } = await make(member);
    for (const name of [organization.id, organization.slug])
      expect(await read(key, { 'x-organization-id': name })).toBe(200);
    for (const name of [other.id, other.slug]) expect(await read(key, { 'x-organization-id': name })).toBe(404);
  });

  test('notes when it was used, at most once a minute', async () => {
    const { key } = await make(member);
    const lastUsed = async () => {
      const { rows } = await sql<{ at: Date | null }>`
        select last_used_at as at from api_keys where organization_id = ${organization.id}`.execute(
        it.platform.database.root,
      );
      return rows[0]?.at ?? null;
    };
    expect(await lastUsed()).toBeNull();
    await Promise.all(Array.from({ length: 10 }, () => read(key)));
    const first = it.clock.now;
    expect(await lastUsed()).toEqual(first);
    pass(59.999);
    expect(await read(key)).toBe(200);
    expect(await lastUsed()).toEqual(first);
    pass(5);
    expect(await read(key)).toBe(200);
    expect(await lastUsed()).toEqual(it.clock.now);
  });

  test('can do no longer what keys can no longer be given', async () => {
    const { key } = await make(member);
    const { verify } = feature();
    await change(sql`update api_keys set scopes = '{weekly:read,account:write,gone:away}' where ${membership()}`);
    expect((await verify(key))?.scopes).toEqual(['weekly:read']);
  });
});

describe('A key is refused', () => {
  test('from the moment it expires, also where it was just used', async () => {
    const expiresAt = new Date(it.clock.now.getTime() + 60_000);
    const { key } = await make(member, { expires_at: expiresAt.toISOString() });
    pass(59.999);
    expect(await read(key)).toBe(200);
    pass(0.001);
    expect(await read(key)).toBe(401);
  });

  test('at once when it was ended here, and then a connection that it opened ends', async () => {
    const { id, key } = await make(member);
    expect(await read(key)).toBe(200);
    const principal = await it.features.identity.authenticator.authenticate({
      apiKey: key,
      authorization: undefined,
      cookieToken: undefined,
      organization: undefined,
      anonymousOrganization: 'demo',
    });
    const { headers } = member;
    await inject(it.app, { method: 'DELETE', url: `/auth/api-keys/${id}`, headers });
    expect(await read(key)).toBe(401);
    expect(await it.features.identity.findEnded([principal])).toEqual([principal]);
  });

  test('within five seconds of its end in another process', async () => {
    const { key } = await make(member);
    expect(await read(key)).toBe(200);
    await change(sql`delete from api_keys where ${membership()}`);
    pass(5);
    expect(await read(key)).toBe(401);
  });

  test('for what the role of its owner does not allow any more', async () => {
    const { key } = await make(member);
    expect(await post(key)).toBe(200);
    await change(sql`update user_organizations set role = 'viewer' where ${membership()}`);
    pass(5);
    expect([await read(key), await post(key)]).toEqual([200, 403]);
  });

  test('once its owner is no member any more, and stays so when they come back', async () => {
    const { key } = await make(member);
    expect(await read(key)).toBe(200);
    await change(sql`update user_organizations set is_active = false where ${membership()}`);
    pass(5);
    expect(await read(key)).toBe(404);
    await change(sql`delete from user_organizations where ${membership()}`);
    await change(
      sql`insert into user_organizations (organization_id, user_id, role) values (${organization.id}, ${member.userId}, 'member')`,
    );
    pass(5);
    expect(await read(key)).toBe(401);
  });

  test('once the account of its owner is gone', async () => {
    const { key } = await make(member);
    expect(await read(key)).toBe(200);
    await change(sql`update users set deleted_at = ${it.clock.now} where id = ${member.userId}`);
    pass(5);
    expect(await read(key)).toBe(401);
  });

  test('once the keys of its owner were ended in its organization', async () => {
    const own = await it.makeOrganization();
    await change(
      sql`insert into user_organizations (organization_id, user_id, role) values (${own.id}, ${member.userId}, 'owner')`,
    );
    const [first, second] = [
      await make(member),
      await make({ ...member, headers: { ...member.headers, 'x-organization-id': own.id } }),
    ];
    const another = await make(await organization.member('member'));
    const { endKeysOf, verify } = feature();
    const { userId } = member;
    const endAll = (organizationId: string) =>
      it.platform.scopes.inInstance((tx) => endKeysOf(tx, { userId, organizationId }));
    expect([await endAll(organization.id), await endAll(organization.id)]).toEqual([1, 0]);
    expect([await verify(first.key), (await verify(second.key))?.organizationId]).toEqual([undefined, own.id]);
    expect((await verify(another.key))?.id).toBe(another.id);
    expect([await endAll(own.id), await verify(second.key)]).toEqual([1, undefined]);
  });

  test('in any other spelling, and never becomes anonymous', async () => {
    const { key } = await make(member);
    const last = key.at(-1);
    expect(await read(key)).toBe(200);
    const wrong = [
      '',
      'x',
      'null',
      `${key.slice(0, -1)}${last === 'A' ? 'E' : 'A'}`,
      `${key.slice(0, -1)}${last === 'B' ? 'C' : 'B'}`,
      key.toLowerCase(),
      key.toUpperCase(),
      key.slice(0, -1),
      `${key}A`,
      `${key}=`,
      `Bearer ${key}`,
      `${key}, ${key}`,
      `"${key}"`,
      `${key}${'A'.repeat(10_000)}`,
      makeKey().key,
      "alm_' or true --",
    ];
    for (const other of wrong) expect(await read(other), other.slice(0, 80)).toBe(401);
    expect(await read(key)).toBe(200);
  });

  test('beside an access token, be it the same person’s', async () => {
    const { key } = await make(member);
    expect(await read(key, { authorization: member.headers.authorization })).toBe(401);
    expect(await read(key, { authorization: 'Bearer x' })).toBe(401);
    const bearer = { authorization: `Bearer ${key}` };
    expect((await inject(it.app, { url: '/api/weekly/summary', headers: bearer })).statusCode).toBe(401);
  });

  test('when it is sent twice, but a cookie beside it does not count', async () => {
    const { key } = await make(member);
    await it.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = it.app.server.address() as AddressInfo;
    const send = async (...headers: string[]) => {
      const sent = request({
        host: '127.0.0.1',
        port,
        path: '/api/weekly/summary',
        headers: ['Host', 'localhost', ...headers],
      });
      sent.end();
      const [answer] = await once(sent, 'response');
      answer.resume();
      return answer.statusCode;
    };
    expect(await send('X-API-Key', key)).toBe(200);
    expect(await send('x-aPi-kEy', key, 'Cookie', 'access_token=x')).toBe(200);
    expect(await send('X-API-Key', key, 'X-API-Key', key)).toBe(401);
    expect(await send('X-API-Key', key, 'x-api-key', '')).toBe(401);
  });
});

test('what is no key never reaches the database', async () => {
  let opened = 0;
  const { scopes } = it.platform;
  const counted: typeof scopes = {
    ...scopes,
    inInstance: (work) => {
      opened += 1;
      return scopes.inInstance(work);
    },
  };
  const { verify } = feature(counted);
  const { key } = makeKey();
  for (const text of ['', 'alm_', key.slice(1), `${key}\n`, key.repeat(160), '\u0000', `${key.slice(0, -1)}é`]) {
    expect(await verify(text)).toBeUndefined();
  }
  expect(opened).toBe(0);
  expect(await verify(key)).toBeUndefined();
  expect(opened).toBe(1);
});

/** The feature by itself, on the database of the product. */
function feature(scopes = it.platform.scopes) {
  return createApiKeysFeature({ ...it.platform, scopes, forgetApiKey: () => undefined });
}
