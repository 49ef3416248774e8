import { generateKeyPairSync } from 'node:crypto';
import { calculateJwkThumbprint, createLocalJWKSet, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import { createTokenSigner, readPublicKeys } from './sign-tokens.ts';

const pem = () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const request = { audience: 'a', lifeSeconds: 60, claims: { sub: 's' } };

test('others verify a token by the published key, which they find by its id', async () => {
  const privateKey = pem();
  const token = await createTokenSigner({ privateKey }, () => new Date()).sign(request);
  const keys = [...readPublicKeys({ privateKey: pem() }), ...readPublicKeys({ privateKey })];
  const { payload } = await jwtVerify(token, createLocalJWKSet({ keys }), { issuer: 'almanac', audience: 'a' });
  expect(payload.sub).toBe('s');
});

test('a key is named by its thumbprint', async () => {
  const [key] = readPublicKeys({ privateKey: pem() });
  expect(key?.kid).toBe(await calculateJwkThumbprint({ ...key }));
});

test('PEMs of one key with other line ends sign alike', async () => {
  const now = () => new Date();
  const privateKey = pem();
  const token = await createTokenSigner({ privateKey: privateKey.replaceAll('\n', '\r\n') }, now).sign(request);
  await expect(createTokenSigner({ privateKey }, now).verify(token, 'a')).resolves.toMatchObject({
    claims: { sub: 's' },
  });
});
