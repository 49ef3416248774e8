import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { makeIssuer, type TestIssuer } from '#testing/make-issuer.ts';

let it: TestApp;
let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await makeIssuer({ now: () => it.clock.now });
  it = await makeTestApp({
    ownsDatabase: true,
    config: { OIDC_ISSUER: issuer.origin, OIDC_AUDIENCE: 'almanac', ANONYMOUS_ACCESS: true },
  });
});
afterAll(async () => {
  await it.close();
  await issuer.close();
});

const get = async (url: string, token: string, organization?: string) =>
  inject(it.app, {
    url,
    headers: { authorization: `Bearer ${token}`, ...(organization ? { 'x-organization-id': organization } : {}) },
  });
const profileOf = async (token: string) => (await get('/users/profile', token)).json();
const register = (email: string) =>
  inject(it.app, { method: 'POST', url: '/auth/register', body: { email, password: 'correct horse battery' } });

describe('Somebody whom an outside issuer has signed in', () => {
  test('has an account and an organization of their own from the first request on, and no power over the installation', async () => {
    const sub = newId();
    const email = `${sub}@example.org`;
    const token = await issuer.sign({ payload: { sub, email, email_verified: true, name: 'Grace' } });
    const first = await profileOf(token);
    expect(first).toMatchObject({ email, name: 'Grace', is_instance_admin: false });
    expect(first.email_verified_at).not.toBeNull();
    expect((await get('/api/organizations', token)).json()).toMatchObject([{ role: 'owner' }]);
    it.clock.now = new Date(it.clock.now.getTime() + 60_000);
    const later = await issuer.sign({ payload: { sub, email: 'renamed@example.org' } });
    expect((await profileOf(later)).id).toBe(first.id);
  });

  test('is one person, however many requests come first', async () => {
    const sub = newId();
    const tokens = await Promise.all(Array.from({ length: 10 }, () => issuer.sign({ payload: { sub, jti: newId() } })));
    const ids = await Promise.all(tokens.map(async (token) => (await profileOf(token)).id));
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toMatch(/^[\da-f-]{36}$/);
  });

  test('is never taken for the account that has their address', async () => {
    const email = `${newId()}@example.org`;
    const { user } = (await register(email)).json();
    const token = await issuer.sign({ payload: { sub: newId(), email, email_verified: true } });
    const profile = await profileOf(token);
    expect(profile.id).not.toBe(user.id);
    expect(profile.email).toMatch(/^[\da-f]{32}@outside\.almanac\.invalid$/);
  });

  test('does not keep an address that the issuer has not verified from its owner', async () => {
    const email = `${newId()}@example.org`;
    const token = await issuer.sign({ payload: { sub: newId(), email, email_verified: false } });
    expect((await profileOf(token)).email).not.toBe(email);
    expect((await register(email)).statusCode).toBe(201);
  });

  test('of one issuer is not who has the same subject at another', async () => {
    const sub = newId();
    const mine = await profileOf(await issuer.sign({ payload: { sub } }));
    await it.platform.scopes.inInstance(({ db }) =>
      sql`update user_identities set issuer = 'https://elsewhere.example' where subject = ${sub}`.execute(db),
    );
    it.clock.now = new Date(it.clock.now.getTime() + 5_000);
    const again = await profileOf(await issuer.sign({ payload: { sub } }));
    expect(again.id).not.toBe(mine.id);
  });

  test('whose account is gone gets a new one', async () => {
    const sub = newId();
    const { id } = await profileOf(await issuer.sign({ payload: { sub } }));
    await it.platform.scopes.inInstance(({ db }) => sql`delete from user_identities where user_id = ${id}`.execute(db));
    await it.platform.scopes.inInstance(({ db }) =>
      sql`update users set deleted_at = ${it.clock.now}, email = ${`${newId()}@gone.invalid`} where id = ${id}`.execute(
        db,
      ),
    );
    it.clock.now = new Date(it.clock.now.getTime() + 5_000);
    expect((await profileOf(await issuer.sign({ payload: { sub } }))).id).not.toBe(id);
  });

  test('with a token that does not verify is nobody, not the anonymous viewer', async () => {
    const expired = await issuer.sign({ payload: { sub: newId(), exp: 1 } });
    for (const token of [
      expired,
      `${expired.slice(0, -3)}AAA`,
      await issuer.sign({ payload: { sub: newId(), aud: 'other' } }),
    ]) {
      expect((await get('/api/weekly/summary', token)).statusCode).toBe(401);
    }
  });

  test('comes into an organization that requires a second factor with a token that tells of one, only', async () => {
    const sub = newId();
    const { id } = await profileOf(await issuer.sign({ payload: { sub } }));
    const organization = await it.makeOrganization();
    await it.platform.scopes.inInstance(({ db }) =>
      sql`insert into user_organizations (organization_id, user_id, role) values (${organization.id}, ${id}, 'member')`.execute(
        db,
      ),
    );
    await it.platform.scopes.inInstance(({ db }) =>
      sql`update organizations set requires_mfa = true where id = ${organization.id}`.execute(db),
    );
    const plain = await issuer.sign({ payload: { sub } });
    const refused = await get('/api/weekly/summary', plain, organization.id);
    expect([refused.statusCode, refused.json().code]).toEqual([403, 'MFA_SETUP_REQUIRED']);
    const strong = await issuer.sign({ payload: { sub, amr: ['pwd', 'mfa'] } });
    expect((await get('/api/weekly/summary', strong, organization.id)).statusCode).toBe(200);
  });
});
