import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';

interface Session {
  user: { id: string; email: string };
  access_token: string;
  refresh_token: string;
}

const password = 'correct horse battery';
let it: TestApp;
let session: Session;
let addresses = 0;
beforeAll(async () => {
  it = await makeTestApp({ ownsDatabase: true, config: { ALMANAC_DEMO: true } });
});
beforeEach(async () => {
  addresses += 1;
  const body = { email: `${newId()}@example.org`, password };
  const remoteAddress = `10.2.0.${addresses}`;
  session = (await inject(it.app, { method: 'POST', url: '/auth/register', body, remoteAddress })).json();
});
afterAll(() => it.close());

const bearer = (token = session.access_token) => ({ authorization: `Bearer ${token}` });
const profile = async (headers: Record<string, string> = bearer()) =>
  (await inject(it.app, { url: '/users/profile', headers })).statusCode;
const refresh = (refresh_token: string) =>
  inject(it.app, { method: 'POST', url: '/auth/refresh', body: { refresh_token } });
const send = (
  request: `${'GET' | 'POST' | 'DELETE'} ${string}`,
  { body, headers = bearer() }: { body?: object; headers?: object } = {},
) => {
  const [method = '', url = ''] = request.split(' ');
  return inject(it.app, {
    method: method as 'GET',
    url,
    headers: headers as Record<string, string>,
    ...(body ? { body } : {}),
  });
};
const signIn = async (email: string): Promise<Session> =>
  (await inject(it.app, { method: 'POST', url: '/auth/login', body: { email, password } })).json();
const pass = (seconds: number) => {
  it.clock.now = new Date(it.clock.now.getTime() + seconds * 1_000);
};
const change = (statement: ReturnType<typeof sql>) => it.platform.scopes.inInstance(({ db }) => statement.execute(db));

describe('Within five seconds', () => {
  test('of a logout its tokens are refused, and cookies are cleared', async () => {
    expect(await profile()).toBe(200);
    const answer = await inject(it.app, { method: 'POST', url: '/auth/logout', headers: bearer() });
    expect(answer.statusCode).toBe(204);
    expect(answer.cookies.map(({ name, value, path }) => [name, value, path])).toEqual([
      ['access_token', '', '/'],
      ['refresh_token', '', '/auth'],
    ]);
    pass(5);
    expect(await profile()).toBe(401);
    expect((await refresh(session.refresh_token)).statusCode).toBe(401);
  });

  test.each([
    ['the body', () => ({ body: { refresh_token: session.refresh_token } })],
    [
      'the cookie',
      () => ({ headers: { cookie: `refresh_token=${session.refresh_token}`, origin: 'http://localhost' } }),
    ],
  ])('of a logout by the refresh token in %s, where no access token is left, it is refused', async (_, of) => {
    pass(1_000);
    const answer = await inject(it.app, { method: 'POST', url: '/auth/logout', ...of() });
    expect([answer.statusCode, answer.cookies.map(({ value }) => value)]).toEqual([204, ['', '']]);
    expect((await refresh(session.refresh_token)).statusCode).toBe(401);
  });

  test('a logout with nothing that is live is refused, and clears the cookies', async () => {
    const headers = { cookie: `refresh_token=${newId()}; access_token=x`, origin: 'http://localhost' };
    const answer = await inject(it.app, { method: 'POST', url: '/auth/logout', headers });
    expect([answer.statusCode, answer.cookies.map(({ value }) => value)]).toEqual([401, ['', '']]);
    expect((await inject(it.app, { method: 'POST', url: '/auth/logout' })).statusCode).toBe(401);
    expect(await profile()).toBe(200);
  });

  test('of the end of the account its tokens are refused', async () => {
    expect(await profile()).toBe(200);
    await change(sql`update users set deleted_at = now() where id = ${session.user.id}`);
    pass(5);
    expect(await profile()).toBe(401);
  });

  test('of a lost membership its organization is not there, and of a lower role the rights are gone', async () => {
    const organization = await it.makeOrganization();
    const member = await organization.member('member');
    const post = async () =>
      (await inject(it.app, { method: 'POST', url: '/api/weekly/items', headers: member.headers, body: { items: [] } }))
        .statusCode;
    expect(await post()).toBe(400);
    await change(
      sql`update user_organizations set role = 'viewer' where user_id = ${member.userId} and organization_id = ${organization.id}`,
    );
    pass(5);
    expect(await post()).toBe(403);
    await change(
      sql`update user_organizations set is_active = false where user_id = ${member.userId} and organization_id = ${organization.id}`,
    );
    pass(5);
    expect(await post()).toBe(404);
  });

  test('a principal is told as ended to those who hold a connection for it', async () => {
    const authenticate = () =>
      it.features.identity.authenticator.authenticate({
        authorization: bearer().authorization,
        apiKey: undefined,
        cookieToken: undefined,
        organization: undefined,
        anonymousOrganization: 'demo',
      });
    const principal = await authenticate();
    const ended = () => it.features.identity.findEnded([principal]);
    expect(await ended()).toEqual([]);
    await change(sql`update users set deleted_at = now() where id = ${session.user.id}`);
    expect(await ended()).toEqual([principal]);
    await change(sql`update users set deleted_at = null where id = ${session.user.id}`);
    await inject(it.app, { method: 'POST', url: '/auth/logout', headers: bearer() });
    expect(await ended()).toEqual([principal]);
  });

  test('of its end an access token that was just used is refused', async () => {
    pass(895);
    expect(await profile()).toBe(200);
    pass(5);
    expect(await profile()).toBe(401);
  });
});

describe('Wrong credentials', () => {
  const summary = async (headers: Record<string, string>) =>
    (await inject(it.app, { url: '/api/weekly/summary', headers })).statusCode;

  test('never become anonymous', async () => {
    expect(await summary({})).toBe(200);
    const wrong = [
      '',
      'Bearer',
      'Bearer ',
      'Bearer x',
      'Basic YTpi',
      `bearer  ${session.access_token} x`,
      `Bearer ${session.access_token}, Bearer ${session.access_token}`,
      `Bearer ${'x'.repeat(10_000)}`,
      session.access_token,
      'Bearer null',
    ];
    for (const authorization of wrong) expect(await summary({ authorization }), authorization).toBe(401);
    for (const token of ['x', '', 'null']) expect(await summary({ cookie: `access_token=${token}` }), token).toBe(401);
    expect(await summary({ authorization: 'Bearer x', cookie: `access_token=${session.access_token}` })).toBe(401);
  });

  test('an organization that one is not in is not there, by id and by slug, also without credentials', async () => {
    const other = await it.makeOrganization();
    for (const name of [
      other.id,
      other.id.toUpperCase(),
      other.slug,
      newId(),
      'none',
      "' or true --",
      'x'.repeat(5_000),
    ]) {
      for (const headers of [bearer(), {}]) {
        const answer = await inject(it.app, {
          url: '/api/weekly/summary',
          headers: { ...headers, 'x-organization-id': name },
        });
        expect([answer.statusCode, answer.json().code]).toEqual([404, 'NOT_FOUND']);
        expect(answer.body.length).toBeLessThan(500);
      }
    }
  });

  test('an organization that one is in may be named by id, in any case, and by slug', async () => {
    const own = await it.makeOrganization();
    const { token } = await own.member('viewer');
    for (const name of [own.id, own.id.toUpperCase(), own.slug]) {
      expect(await summary({ ...bearer(token), 'x-organization-id': name })).toBe(200);
    }
  });
});

describe('One’s sessions', () => {
  test('are listed, the last used first, with where they came from', async () => {
    pass(60);
    const userAgent = 'Firefox/133.0';
    const body = { email: session.user.email, password };
    const headers = { 'user-agent': userAgent };
    const later = await inject(it.app, {
      method: 'POST',
      url: '/auth/login',
      body,
      headers,
      remoteAddress: '10.3.0.1',
    });
    const list = (await send('GET /auth/sessions')).json();
    expect(list).toMatchObject([
      { address: '10.3.0.1', user_agent: userAgent, is_current: false },
      { address: `10.2.0.${addresses}`, is_current: true },
    ]);
    expect(JSON.stringify(list)).not.toContain(later.json().refresh_token);
  });

  test('end one by one, at once for this process', async () => {
    const other = await signIn(session.user.email);
    const [{ id }] = (await send('GET /auth/sessions'))
      .json()
      .filter((one: { is_current: boolean }) => !one.is_current);
    expect(await profile(bearer(other.access_token))).toBe(200);
    expect((await send(`DELETE /auth/sessions/${id}`)).statusCode).toBe(204);
    expect(await profile(bearer(other.access_token))).toBe(401);
    expect((await refresh(other.refresh_token)).statusCode).toBe(401);
    expect((await send(`DELETE /auth/sessions/${id}`)).statusCode).toBe(404);
    expect(await profile()).toBe(200);
  });

  test('end all together', async () => {
    const others = [await signIn(session.user.email), await signIn(session.user.email)];
    expect((await send('POST /auth/logout', { body: { all: true } })).statusCode).toBe(204);
    for (const { access_token, refresh_token } of [session, ...others]) {
      expect(await profile(bearer(access_token))).toBe(401);
      expect((await refresh(refresh_token)).statusCode).toBe(401);
    }
  });

  test('of somebody else are not there', async () => {
    const stranger = (
      await inject(it.app, {
        method: 'POST',
        url: '/auth/register',
        body: { email: `${newId()}@example.org`, password },
      })
    ).json<Session>();
    const [{ id }] = (await send('GET /auth/sessions', { headers: bearer(stranger.access_token) })).json();
    expect((await send(`DELETE /auth/sessions/${id}`)).statusCode).toBe(404);
    expect(await profile(bearer(stranger.access_token))).toBe(200);
  });
});

test('whoever was put out of every organization gets one of their own with the next session', async () => {
  await change(sql`update user_organizations set is_active = false where user_id = ${session.user.id}`);
  const again = await signIn(session.user.email);
  const own = await send('GET /api/organizations', { headers: bearer(again.access_token) });
  expect(own.json()).toMatchObject([{ role: 'owner' }]);
  expect((await refresh(session.refresh_token)).statusCode).toBe(200);
});
