import { decodeJwt } from 'jose';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashPassword, isPassword } from '#features/passwords/index.ts';
import { newId } from '#kernel/ids.ts';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';

let it: TestApp;
beforeAll(async () => {
  it = await makeTestApp();
});
afterAll(() => it.close());

const password = 'correct horse battery';
let addresses = 0;
const send = (app: TestApp, url: string, body: object) => {
  addresses += 1;
  const remoteAddress = `10.1.${addresses >> 8}.${addresses & 255}`;
  return inject(app.app, { method: 'POST', url, body, remoteAddress });
};
const newEmail = () => `${newId()}@example.org`;

describe('Registering', () => {
  test('makes an account, an organization of its own and a session, in body and cookies', async () => {
    const email = newEmail();
    const answer = await send(it, '/auth/register', { email, password, name: 'Ada', organization_name: 'Ada & Söhne' });
    expect(answer.statusCode).toBe(201);
    const session = answer.json();
    expect(session).toMatchObject({
      user: { email, name: 'Ada', account_type: 'standard' },
      expires_in: 900,
      token_type: 'Bearer',
    });
    expect(JSON.stringify(session)).not.toMatch(/password|hash/);
    expect(answer.cookies).toEqual([
      { name: 'access_token', value: session.access_token, httpOnly: true, sameSite: 'Lax', path: '/', maxAge: 900 },
      {
        name: 'refresh_token',
        value: session.refresh_token,
        httpOnly: true,
        sameSite: 'Lax',
        path: '/auth',
        maxAge: 2_592_000,
      },
    ]);
    const cookie = `access_token=${session.access_token}`;
    const own = await inject(it.app, { url: '/api/organizations', headers: { cookie } });
    expect(own.json()).toContainEqual(expect.objectContaining({ name: 'Ada & Söhne', role: 'owner' }));
    const profile = await inject(it.app, { url: '/users/profile', headers: { cookie } });
    expect(profile.json()).toEqual({ ...session.user, preferences: {} });
  });

  test('is refused for a taken address, however it is written, also at once', async () => {
    const email = `Ada.${newEmail()}`;
    const answers = await Promise.all(
      [email, email.toUpperCase(), email.toLowerCase(), email].map((one) =>
        send(it, '/auth/register', { email: one, password }),
      ),
    );
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([201, 409, 409, 409]);
    const refused = answers.find(({ statusCode }) => statusCode === 409);
    expect(refused?.json().error).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('/auth/login') });
    expect((await send(it, '/auth/login', { email: email.toUpperCase(), password })).statusCode).toBe(200);
  });

  test.each([
    [{ email: 'ada', password }, 'email'],
    [{ email: 'ada@example.org', password, name: ' ' }, 'name'],
    [{ email: 'ada@example.org', password, organization_name: '\t' }, 'organization_name'],
    [{ email: 'ada@example.org', password, organization_name: 'Two\nlines' }, 'organization_name'],
    [{ email: 'ada@example.org', password: 'short' }, 'password'],
    [{ email: 'ada@example.org', password: 'x'.repeat(129) }, 'password'],
    [{ email: 'ada@example.org' }, 'password'],
    [{ email: 'ada@example.org', password, is_instance_admin: true }, 'is_instance_admin'],
    [{ email: 'ada@example.org', password, account_type: 'admin' }, 'account_type'],
    [{ email: ['ada@example.org'], password }, 'email'],
    [{ email: `${'a'.repeat(300)}@example.org`, password }, 'email'],
    [{ email: 'anonymous@almanac.invalid\u0000', password }, 'email'],
    [{ email: 'Anonymous@almanac.INVALID', password }, 'email'],
  ])('names what is wrong in %j', async (body, field) => {
    const answer = await send(it, '/auth/register', body);
    expect([answer.statusCode, answer.json().error.details.field]).toEqual([400, field]);
  });

  test('makes the first account alone the administrator and owner of the organization local, also at once', async () => {
    const fresh = await makeTestApp({ ownsDatabase: true });
    const answers = await Promise.all(
      [1, 2, 3].map(() => send(fresh, '/auth/register', { email: newEmail(), password })),
    );
    const sessions = answers.map((answer) => answer.json());
    expect(sessions.filter(({ user }) => user.is_instance_admin)).toHaveLength(1);
    for (const { user, access_token } of sessions) {
      const list = await inject(fresh.app, {
        url: '/api/organizations',
        headers: { authorization: `Bearer ${access_token}` },
      });
      const roles = list
        .json()
        .filter(({ slug }: { slug: string }) => slug === 'local')
        .map(({ role }: { role: string }) => role);
      expect(roles).toEqual(user.is_instance_admin ? ['owner'] : []);
    }
    await fresh.close();
  });

  test('keeps the first account in the organization it made, also after a refresh and a login', async () => {
    const fresh = await makeTestApp({ ownsDatabase: true });
    const email = newEmail();
    const registered = (await send(fresh, '/auth/register', { email, password })).json();
    const { refresh_token } = registered;
    const renewed = (await send(fresh, '/auth/refresh', { refresh_token })).json();
    const signedIn = (await send(fresh, '/auth/login', { email, password })).json();
    const organizations = [registered, renewed, signedIn].map(({ access_token }) => decodeJwt(access_token).org);
    expect(organizations).toEqual(Array.from({ length: 3 }, () => organizations[0]));
    expect(organizations).not.toContain(fresh.features.builtIns.localOrganizationId);
    await fresh.close();
  });

  test('takes the setup token for the first account in production, and Secure cookies stand there', async () => {
    const production = await makeTestApp({
      ownsDatabase: true,
      config: { NODE_ENV: 'production', PUBLIC_URL: 'https://almanac.example', SETUP_TOKEN: 'the-setup-token' },
    });
    const body = { email: newEmail(), password };
    for (const setup_token of [undefined, '', 'the-setup-tokem']) {
      const refused = await send(production, '/auth/register', { ...body, setup_token });
      expect([refused.statusCode, refused.json().error.code]).toEqual([403, 'FORBIDDEN']);
    }
    const answer = await send(production, '/auth/register', { ...body, setup_token: 'the-setup-token' });
    expect([answer.statusCode, answer.json().user.is_instance_admin]).toEqual([201, true]);
    expect(answer.cookies.map(({ secure }) => secure)).toEqual([true, true]);
    expect(answer.headers['strict-transport-security']).toContain('max-age=');
    expect((await send(production, '/auth/register', { email: newEmail(), password })).statusCode).toBe(201);
    const anonymous = await inject(production.app, { url: '/api/weekly/summary' });
    expect([anonymous.statusCode, anonymous.json().code]).toEqual([401, 'UNAUTHENTICATED']);
    await production.close();
  });
});

describe('Signing in', () => {
  test('answers alike for an unknown address, a wrong password and an account without one', async () => {
    const email = newEmail();
    await send(it, '/auth/register', { email, password });
    const wrong = [
      { email, password: 'wrong password' },
      { email: newEmail(), password },
      { email: 'anonymous@almanac.invalid', password: '' },
      { email: '', password: '' },
      { email: "' or true --", password },
    ];
    for (const body of wrong) {
      const answer = await send(it, '/auth/login', body);
      expect(answer.statusCode).toBe(401);
      expect(answer.json().error).toMatchObject({
        code: 'INVALID_CREDENTIALS',
        message: 'The e-mail address and password do not belong together.',
      });
      expect(answer.cookies).toEqual([]);
    }
  });

  test('verifies a hash also where there is no account, so that both take as long', async () => {
    const kept = await hashPassword(password);
    expect(await isPassword(kept, password)).toBe(true);
    // The stand-in is of the same cost, and a password that fits it would still not be one.
    const time = async (hash: string | undefined) => {
      const startedAt = performance.now();
      expect(await isPassword(hash, 'wrong password')).toBe(false);
      return performance.now() - startedAt;
    };
    const times = { known: [await time(kept)], unknown: [await time(undefined)] };
    for (let n = 0; n < 5; n += 1) {
      times.known.push(await time(kept));
      times.unknown.push(await time(undefined));
    }
    // The fastest of each: what a busy machine adds is no cost of the hash.
    expect(Math.min(...times.unknown)).toBeGreaterThan(Math.min(...times.known) / 2);
  });

  test('takes a password typed in another Unicode form', async () => {
    const email = newEmail();
    await send(it, '/auth/register', { email, password: 'pässword-é'.normalize('NFC') });
    expect((await send(it, '/auth/login', { email, password: 'pässword-é'.normalize('NFD') })).statusCode).toBe(200);
  });

  test('is over with the account', async () => {
    const email = newEmail();
    const { user } = (await send(it, '/auth/register', { email, password })).json();
    await it.platform.scopes.inInstance(({ db }) =>
      sql`update users set deleted_at = now() where id = ${user.id}`.execute(db),
    );
    expect((await send(it, '/auth/login', { email, password })).statusCode).toBe(401);
  });
});

describe('A profile', () => {
  const signUp = async () => {
    const { access_token } = (await send(it, '/auth/register', { email: newEmail(), password })).json();
    return { authorization: `Bearer ${access_token}` };
  };
  const put = (headers: Record<string, string>, body: object) =>
    inject(it.app, { method: 'PUT', url: '/users/profile', headers, body });

  test('changes the fields given, and takes back what was read', async () => {
    const headers = await signUp();
    const read = (await inject(it.app, { url: '/users/profile', headers })).json();
    const changed = { ...read, name: 'Ada Lovelace', preferences: { theme: 'dark', charts: ['line'] } };
    expect((await put(headers, changed)).json()).toEqual(changed);
    const sentBack = { ...changed, id: read.id.toUpperCase(), email: read.email.toUpperCase() };
    expect((await put(headers, sentBack)).json()).toEqual(changed);
    expect((await put(headers, { name: 'Ada' })).json()).toEqual({ ...changed, name: 'Ada' });
    expect((await put(headers, {})).statusCode).toBe(200);
  });

  test.each([
    [{ email: 'other@example.org' }, 'email'],
    [{ name: '' }, 'name'],
    [{ preferences: { text: 'x'.repeat(16_384) } }, 'preferences'],
    [{ preferences: [] }, 'preferences'],
    [{ password_hash: 'x' }, 'password_hash'],
    [{ is_instance_admin: 'yes' }, 'is_instance_admin'],
    [{ is_instance_admin: true }, 'is_instance_admin'],
    [{ account_type: 'landlord' }, 'account_type'],
    [{ subscription_tier: 'enterprise' }, 'subscription_tier'],
    [{ email_verified_at: '2024-12-16T09:30:00Z' }, 'email_verified_at'],
    [{ mfa_enabled: true }, 'mfa_enabled'],
    [{ id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5a' }, 'id'],
  ])('refuses %j, and nothing changes', async (body, field) => {
    const headers = await signUp();
    const before = (await inject(it.app, { url: '/users/profile', headers })).json();
    const answer = await put(headers, { name: 'Changed', ...body });
    expect([answer.statusCode, answer.json().error.details.field]).toEqual([400, field]);
    expect((await inject(it.app, { url: '/users/profile', headers })).json()).toEqual(before);
    const { message } = answer.json().error;
    if ('account_type' in body) expect(message).toContain("'landlord' is not what it is, 'standard'");
    if ('subscription_tier' in body) expect(message).toContain('change it at POST /users/upgrade');
  });
});
