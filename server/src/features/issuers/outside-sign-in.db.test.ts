import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { discoveryPath, makeIssuer, type TestIssuer } from '#testing/make-issuer.ts';

const start = new Date('2024-12-18T12:00:00Z');
let it: TestApp;
let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await makeIssuer({ now: () => it?.clock.now ?? start });
  it = await makeTestApp({ now: start, config: { OIDC_ISSUER: issuer.origin, OIDC_AUDIENCE: 'my-api' } });
});
afterAll(async () => {
  await it.close();
  await issuer.close();
});

const getProfile = async (payload: object) => {
  const token = await issuer.sign({ payload: { aud: 'my-api', ...payload } });
  return it.app.inject({ url: '/users/profile', headers: { authorization: `Bearer ${token}` } });
};

// First, while no keys are known yet.
test('while the issuer is away the answer is 503, and says when to come back', async () => {
  issuer.answers.set(discoveryPath, (response) => response.writeHead(500).end());
  const answer = await getProfile({ sub: 'early' });
  expect([answer.statusCode, answer.headers['retry-after'], answer.json().error.code]).toEqual([
    503,
    '5',
    'ISSUER_UNAVAILABLE',
  ]);
  issuer.answers.clear();
  it.clock.now = new Date(it.clock.now.getTime() + 5_000);
  expect((await getProfile({ sub: 'early' })).statusCode).toBe(200);
});

test('a subject has one account, also under another address; another subject has another', async () => {
  const email = 'ada@outside.example';
  const first = await getProfile({ sub: 'ada', email, email_verified: true, name: 'Ada' });
  expect(first.json()).toMatchObject({ email, name: 'Ada', email_verified_at: it.clock.now.toISOString() });
  const { id } = first.json<{ id: string }>();
  expect((await getProfile({ sub: 'ada', email: 'other@outside.example' })).json()).toMatchObject({ id, email });
  const other = await getProfile({ sub: 'eve', email, email_verified: true });
  expect(other.statusCode).toBe(200);
  expect(other.json().id).not.toBe(id);
  expect(other.json().email).not.toBe(email);
});

test.each([{ aud: 'almanac' }, { iss: 'https://id.example' }, { exp: 1 }, { sub: '' }])(
  'a token of %j is answered 401 and never becomes anonymous access',
  async (payload) => {
    const answer = await getProfile({ sub: 'ada', ...payload });
    expect([answer.statusCode, answer.json().error.code]).toEqual([401, 'INVALID_TOKEN']);
    expect(answer.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
  },
);
