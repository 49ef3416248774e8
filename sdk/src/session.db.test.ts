import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { computeTotp } from '../../e2e/support/compute-totp.ts';
import { holdAnswers, openServer, type TestServer, timingOf, watchFetch } from '../testing/open-server.ts';
import { type ClientOptions, createClient, type Tokens } from './index.ts';
import type { SessionAnswer } from './open-session.ts';

const password = 'correct horse battery';

let server: TestServer;
let email: string;
let session: SessionAnswer;

beforeAll(async () => {
  server = await openServer();
});
beforeEach(async () => {
  email = `${randomUUID()}@example.org`;
  session = await createClient({ baseUrl: server.url }).identity.register({ body: { email, password } });
});
afterAll(() => server.close());

const make = (options: ClientOptions) => createClient({ baseUrl: server.url, timing: timingOf(server), ...options });
const tokensOf = ({ access_token: token, refresh_token: refreshToken }: SessionAnswer) => ({ token, refreshToken });
const atOnce = <T>(count: number, run: () => Promise<T>) => Promise.all(Array.from({ length: count }, run));

describe('A refresh token', () => {
  /** A clock that is behind, so that only the server tells that a token has ended. */
  const late = () => ({ ...timingOf(server), now: () => 0 });

  test('is used once for 50 calls that fail at once, and each of them is answered', async () => {
    const kept: Tokens[] = [];
    const watch = watchFetch();
    const onTokens = (tokens: Tokens) => void kept.push(tokens);
    const client = make({ ...tokensOf(session), onTokens, fetch: watch.fetch, timing: late() });
    server.pass(899);
    await client.identity.getProfile();
    server.pass(2);
    const profiles = await atOnce(50, () => client.identity.getProfile());
    expect(new Set(profiles.map((profile) => profile.email))).toEqual(new Set([email]));
    expect(watch.count('/auth/refresh')).toBe(1);
    expect(watch.count('/users/profile')).toBe(101);
    expect(kept).toHaveLength(1);
    // What was handed over goes on with the session.
    server.pass(901);
    const [pair] = kept;
    expect((await make({ ...pair }).identity.getProfile()).email).toBe(email);
  });

  test('is exchanged before the call where the clock tells that the token has ended', async () => {
    const watch = watchFetch();
    const client = make({ ...tokensOf(session), fetch: watch.fetch });
    server.pass(901);
    await atOnce(50, () => client.identity.getProfile());
    expect(watch.count('/auth/refresh')).toBe(1);
    expect(watch.count('/users/profile')).toBe(50);
  });

  test('will do without an access token, over and over', async () => {
    const client = make({ refreshToken: session.refresh_token });
    for (let count = 0; count < 5; count += 1) {
      expect((await client.identity.getProfile()).email).toBe(email);
      server.pass(901);
    }
  });

  test('outlives the loss of an answer', async () => {
    let losses = 1;
    const watch = watchFetch({
      onAnswer: (path) => {
        if (path === '/auth/refresh' && losses-- > 0) throw new TypeError('fetch failed');
      },
    });
    const client = make({ ...tokensOf(session), fetch: watch.fetch });
    server.pass(901);
    expect((await client.identity.getProfile()).email).toBe(email);
    expect(watch.count('/auth/refresh')).toBe(2);
    server.pass(901);
    expect((await client.identity.getProfile()).email).toBe(email);
  });

  test('that is refused is shown once, and no call is answered as somebody else from then on', async () => {
    await make({ token: session.access_token }).identity.logout({ body: { all: true } });
    const watch = watchFetch();
    const client = make({ ...tokensOf(session), fetch: watch.fetch });
    server.pass(901);
    for (const call of await Promise.allSettled([1, 2, 3].map(() => client.weekly.getStats()))) {
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'INVALID_TOKEN' } });
    }
    await expect(client.organizations.list()).rejects.toMatchObject({ status: 401 });
    expect(watch.count('/auth/refresh')).toBe(1);
  });

  test('that is refused where there is no access token fails every call, until somebody signs in or out', async () => {
    await make({ token: session.access_token }).identity.logout({ body: { all: true } });
    const watch = watchFetch();
    const client = make({ refreshToken: session.refresh_token, fetch: watch.fetch });
    const refused = { status: 'rejected', reason: { status: 401, code: 'INVALID_TOKEN' } };
    expect(await Promise.allSettled([1, 2, 3].map(() => client.weekly.getStats()))).toMatchObject(
      Array(3).fill(refused),
    );
    await expect(client.weekly.getStats()).rejects.toMatchObject(refused.reason);
    const end = Promise.withResolvers<unknown>();
    client.connectFeed({ onEvent: () => undefined, onEnd: end.resolve });
    expect(await end.promise).toMatchObject(refused.reason);
    expect(watch.paths).toEqual(['/auth/refresh']);
    await client.identity.login({ body: { email, password } });
    expect((await client.identity.getProfile()).email).toBe(email);
    await client.identity.logout();
    await expect(client.weekly.getStats()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('is exchanged ahead of a body that can be sent only once', async () => {
    const watch = watchFetch();
    const client = make({ ...tokensOf(session), fetch: watch.fetch });
    const [organization] = await client.organizations.list();
    server.pass(850);
    const lines = [{ metric_type: 'a', metric_name: 'b', metric_value: 1 }];
    await client.metrics.addPoints({ lines, organization: organization?.id });
    expect(watch.count('/auth/refresh')).toBe(1);
  });

  test('is not exchanged for a call that fails for another reason', async () => {
    const watch = watchFetch();
    const client = make({ ...tokensOf(session), fetch: watch.fetch });
    const body = { current_password: 'wrong horse battery', password: 'another horse battery' };
    await expect(client.identity.changePassword({ body })).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' });
    await expect(client.system.getPerformance()).rejects.toMatchObject({ status: 403 });
    expect(watch.count('/auth/refresh')).toBe(0);
  });
});

test('a token alone is never exchanged, nor replaced by signing in', async () => {
  const watch = watchFetch();
  const client = make({ token: session.access_token, fetch: watch.fetch });
  const other = `${randomUUID()}@example.org`;
  await client.identity.register({ body: { email: other, password } });
  expect((await client.identity.getProfile()).email).toBe(email);
  server.pass(901);
  await expect(client.identity.getProfile()).rejects.toMatchObject({ code: 'INVALID_TOKEN' });
  expect(watch.count('/auth/refresh')).toBe(0);
});

describe('E-mail and password', () => {
  test('sign in once for calls at once, and again where the session has ended', async () => {
    const watch = watchFetch();
    const client = make({ credentials: { email, password }, fetch: watch.fetch });
    await atOnce(20, () => client.identity.getProfile());
    expect(watch.count('/auth/login')).toBe(1);
    server.pass(31 * 86_400);
    await atOnce(20, () => client.identity.getProfile());
    expect([watch.count('/auth/refresh'), watch.count('/auth/login')]).toEqual([1, 2]);
  });

  test('are not sent again once they are refused', async () => {
    const watch = watchFetch();
    const client = make({ credentials: { email, password: 'wrong horse battery' }, fetch: watch.fetch });
    for (let count = 0; count < 3; count += 1) {
      await expect(client.identity.getProfile()).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' });
    }
    expect(watch.paths).toEqual(['/auth/login']);
  });

  test('sign in with the code of a second factor', async () => {
    const owner = make({ token: session.access_token });
    const { secret } = await owner.mfa.setUp();
    const stepOf = (milliseconds: number) => Math.floor(milliseconds / 30_000);
    const mfaCode = () => computeTotp(secret, stepOf(server.clock.now.getTime()) - stepOf(Date.now()));
    await owner.mfa.enable({ body: { code: mfaCode() } });
    server.pass(60);
    expect((await make({ credentials: { email, password, mfaCode } }).identity.getProfile()).email).toBe(email);
    const without = make({ credentials: { email, password } }).identity.getProfile();
    await expect(without).rejects.toMatchObject({ code: 'MFA_REQUIRED', details: { mfa_token: expect.any(String) } });
  });
});

test('signing in through a client signs the client in, and signing out signs it out', async () => {
  const client = make({});
  await client.identity.login({ body: { email, password } });
  expect((await client.identity.getProfile()).email).toBe(email);
  server.pass(901);
  expect((await client.identity.getProfile()).email).toBe(email);
  await client.identity.logout();
  await expect(client.identity.getProfile()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
});

describe('What comes during a renewal', () => {
  async function registerOther() {
    const other = `${randomUUID()}@example.org`;
    await make({}).identity.register({ body: { email: other, password } });
    return other;
  }

  test.each([{ isRefused: false }, { isRefused: true }])(
    'as a sign-in as somebody else stays, whatever the renewal brings: $isRefused',
    async ({ isRefused }) => {
      const other = await registerOther();
      if (isRefused) await make({ token: session.access_token }).identity.logout({ body: { all: true } });
      const held = holdAnswers('/auth/refresh');
      const kept: Tokens[] = [];
      const onTokens = (tokens: Tokens) => void kept.push(tokens);
      const client = make({ ...tokensOf(session), onTokens, fetch: held.fetch });
      server.pass(901);
      const waiting = client.identity.getProfile();
      await held.reached('/auth/refresh');
      await client.identity.login({ body: { email: other, password } });
      expect((await client.identity.getProfile()).email).toBe(other);
      held.letGo('/auth/refresh');
      expect((await waiting).email).toBe(other);
      expect(kept).toHaveLength(1);
      server.pass(901);
      expect((await client.identity.getProfile()).email).toBe(other);
    },
  );

  test('a call that was made as one user is not made again as another', async () => {
    const other = await registerOther();
    const held = holdAnswers('/auth/refresh');
    // A clock that is behind, so that the call is refused first.
    const timing = { ...timingOf(server), now: () => 0 };
    const client = make({ ...tokensOf(session), timing, fetch: held.fetch });
    server.pass(901);
    const call = expect(client.identity.getProfile()).rejects.toMatchObject({ code: 'INVALID_TOKEN' });
    await held.reached('/auth/refresh');
    await client.identity.login({ body: { email: other, password } });
    held.letGo('/auth/refresh');
    await call;
  });

  test('as a sign-out stays, and the password is not used again', async () => {
    const held = holdAnswers('/auth/refresh', '/auth/logout');
    const client = make({ credentials: { email, password }, fetch: held.fetch });
    await client.identity.getProfile();
    const leaving = client.identity.logout();
    await held.reached('/auth/logout');
    server.pass(901);
    const waiting = expect(client.identity.getProfile()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await held.reached('/auth/refresh');
    held.letGo('/auth/logout');
    await leaving;
    held.letGo('/auth/refresh');
    await waiting;
    expect(held.count('/auth/login')).toBe(1);
  });
});

/** What a browser adds to a page's requests. */
function browse(): typeof fetch {
  const jar = new Map<string, string>();
  return async (input, init) => {
    const request = new Request(input, init);
    const { pathname } = new URL(request.url);
    const cookies = [...jar].filter(([name]) => name !== 'refresh_token' || pathname.startsWith('/auth'));
    const headers = new Headers(request.headers);
    headers.set('origin', server.url);
    if (request.credentials === 'include' && cookies.length > 0) {
      headers.set('cookie', cookies.map((pair) => pair.join('=')).join('; '));
    }
    const answer = await fetch(request.url, { ...init, headers });
    const taken = request.credentials === 'include' ? answer.headers.getSetCookie() : [];
    for (const set of taken) {
      const [, name = '', value = ''] = /^(\w+)=([^;]*)/.exec(set) ?? [];
      jar.set(name, value);
    }
    return answer;
  };
}

test('the cookie of a page opens the session, and renews it', async () => {
  const browsing = browse();
  const page = () => make({ credentials: 'cookie', fetch: browsing });
  const first = page();
  await expect(first.identity.getProfile()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  await first.identity.login({ body: { email, password } });
  expect((await first.identity.getProfile()).email).toBe(email);
  const reloaded = page();
  for (let count = 0; count < 3; count += 1) {
    for (const { email: seen } of await atOnce(5, () => reloaded.identity.getProfile())) expect(seen).toBe(email);
    server.pass(901);
  }
  expect((await first.identity.getProfile()).email).toBe(email);
});

test('without it a page’s cookies are neither sent nor set', async () => {
  const browsing = browse();
  await make({ credentials: 'cookie', fetch: browsing }).identity.login({ body: { email, password } });
  const nobody = make({ fetch: browsing });
  await expect(nobody.identity.getProfile()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  const other = `${randomUUID()}@example.org`;
  await nobody.identity.register({ body: { email: other, password } });
  expect((await nobody.identity.getProfile()).email).toBe(other);
  expect((await make({ credentials: 'cookie', fetch: browsing }).identity.getProfile()).email).toBe(email);
});
