import { generateKeyPairSync } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterEach, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';

let it: TestApp | undefined;
afterEach(() => it?.close());

test('with a key pair, tokens verify by the published key', async () => {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  it = await makeTestApp({ config: { JWT_PRIVATE_KEY: pem } });
  const answer = await it.app.inject('/.well-known/jwks.json');
  expect(answer.statusCode).toBe(200);
  const keys = answer.json<JSONWebKeySet>();
  expect(keys.keys).toHaveLength(1);
  expect(answer.body).not.toContain('"d"');
  const registered = await it.app.inject({
    method: 'POST',
    url: '/auth/register',
    body: { email: `${newId()}@example.org`, password: 'correct horse battery' },
  });
  const { access_token: token, user } = registered.json<{ access_token: string; user: { id: string } }>();
  const options = { issuer: 'almanac', audience: 'almanac', currentDate: it.clock.now };
  const { payload } = await jwtVerify(token, createLocalJWKSet(keys), options);
  expect(payload).toMatchObject({ sub: user.id, role: 'owner' });
});

test('with a secret there is no key to publish', async () => {
  it = await makeTestApp();
  const answer = await it.app.inject('/.well-known/jwks.json');
  expect([answer.statusCode, answer.json()]).toEqual([200, { keys: [] }]);
});
