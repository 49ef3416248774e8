import { createHmac, createPublicKey } from 'node:crypto';
import { exportSPKI, importJWK, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type IssuerScene, makeIssuerScene } from '#testing/issuer-scene.ts';
import {
  discoveryPath,
  type IssuerKey,
  jwksPath,
  makeIssuer,
  makeIssuerKey,
  supabaseJwksPath,
} from '#testing/make-issuer.ts';

const scenes: IssuerScene[] = [];
async function openScene(options?: Parameters<typeof makeIssuerScene>[0]): Promise<IssuerScene> {
  const scene = await makeIssuerScene(options);
  scenes.push(scene);
  return scene;
}
let scene: IssuerScene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => Promise.all(scenes.map((opened) => opened.close())));

const secondsOf = ({ clock }: IssuerScene) => clock.now.getTime() / 1000;
const refuse = async (token: string | Promise<string>, { issuers } = scene) =>
  expect(issuers.verify(await token)).rejects.toMatchObject({
    code: 'INVALID_TOKEN',
    status: 401,
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  });
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('A token of an outside issuer', () => {
  test.each(['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'])('verifies by its key (%s)', async (alg) => {
    const { issuer, issuers, clock } = await openScene({ alg });
    const token = await issuer.sign();
    expect(issuers.isOutside(token)).toBe(true);
    expect(await issuers.verify(token)).toEqual({
      issuer: issuer.origin,
      subject: 'ada',
      email: undefined,
      isEmailVerified: false,
      name: undefined,
      hasSecondFactor: false,
      expiresMs: clock.now.getTime() + 3_600_000,
    });
  });

  test('of Supabase verifies by the keys of the project, fetched with its anonymous key', async () => {
    const named = (origin: string) => ({
      issuer: `${origin}/auth/v1`,
      audience: 'authenticated',
      jwksUri: origin + supabaseJwksPath,
      apiKey: 'anon',
    });
    const { issuer, issuers } = await openScene({ named });
    const payload = { iss: `${issuer.origin}/auth/v1`, aud: 'authenticated', email: 'ada@example.org', aal: 'aal2' };
    expect(await issuers.verify(await issuer.sign({ payload }))).toMatchObject({
      issuer: payload.iss,
      email: 'ada@example.org',
      isEmailVerified: false,
      hasSecondFactor: true,
    });
    expect(issuer.requests.map(({ path }) => path)).toEqual([supabaseJwksPath]);
    expect(issuer.requests[0]?.headers.apikey).toBe('anon');
    const anonymous = await issuer.sign({ payload: { ...payload, is_anonymous: true } });
    await expect(issuers.verify(anonymous)).rejects.toMatchObject({ code: 'INVALID_TOKEN' });
  });

  test('is known by its issuer, and ours is not', async () => {
    const { issuer, issuers } = scene;
    expect(issuers.isOutside(await issuer.sign())).toBe(true);
    for (const iss of ['almanac', `${issuer.origin}.example`, `${issuer.origin}/x`, '', undefined]) {
      expect(issuers.isOutside(await issuer.sign({ payload: { iss } as JWTPayload }))).toBe(false);
    }
    const body = encode({ iss: issuer.origin });
    for (const text of [
      '',
      'x',
      'a.b.c',
      `x.${body}`,
      `x.${body}.x.x`,
      `x.${encode([issuer.origin])}.x`,
      `x.${encode(null)}.x`,
    ]) {
      expect(issuers.isOutside(text)).toBe(text === `x.${body}`);
    }
    expect(issuers.isOutside(`x.${encode({ iss: issuer.origin, fill: 'x'.repeat(10_000) })}.x`)).toBe(false);
  });

  test('may be for several, us among them, and half a minute off', async () => {
    const { issuer, issuers } = scene;
    const seconds = secondsOf(scene);
    const verify = async (payload: JWTPayload) => issuers.verify(await issuer.sign({ payload }));
    await expect(verify({ aud: ['someone', 'almanac'] })).resolves.toMatchObject({ subject: 'ada' });
    await expect(verify({ exp: seconds - 29 })).resolves.toMatchObject({ expiresMs: (seconds - 29) * 1000 });
    await expect(verify({ nbf: seconds + 30 })).resolves.toMatchObject({ subject: 'ada' });
    await expect(verify({ exp: seconds + 60.9 })).resolves.toMatchObject({ expiresMs: (seconds + 60) * 1000 });
    await expect(verify({ sub: 'ß'.repeat(255) })).resolves.toMatchObject({ subject: 'ß'.repeat(255) });
  });

  test.each([undefined, 'JWT', 'jwt', 'at+jwt', 'application/at+jwt'])('may be of type %s', async (typ) => {
    const token = await scene.issuer.sign({ header: { typ } });
    await expect(scene.issuers.verify(token)).resolves.toMatchObject({ subject: 'ada' });
  });
});

describe('INVALID_TOKEN answers an outside token', () => {
  const payloads: [string, (seconds: number, origin: string) => object][] = [
    ['of another issuer', () => ({ iss: 'https://id.example' })],
    ['of the issuer spelled with a slash', (_, origin) => ({ iss: `${origin}/` })],
    ['of several issuers', (_, origin) => ({ iss: [origin] })],
    ['for another audience', () => ({ aud: 'someone' })],
    ['for an audience like ours', () => ({ aud: 'Almanac' })],
    ['for several audiences, ours not among them', () => ({ aud: ['a', 'almanac/mfa'] })],
    ['for no audience', () => ({ aud: undefined })],
    ['for an audience that is an object', () => ({ aud: { almanac: true } })],
    ['that has expired', (seconds) => ({ exp: seconds - 30 })],
    ['that never ends', () => ({ exp: undefined })],
    ['that ends at a text', (seconds) => ({ exp: String(seconds + 60) })],
    ['that ends past all dates', () => ({ exp: 1e15 })],
    ['that does not count yet', (seconds) => ({ nbf: seconds + 31 })],
    ['that counts from a text on', () => ({ nbf: '0' })],
    ['without a subject', () => ({ sub: undefined })],
    ['whose subject is a number', () => ({ sub: 7 })],
    ['whose subject is empty', () => ({ sub: '' })],
    ['whose subject is a list', () => ({ sub: ['ada'] })],
    ['whose subject is endless', () => ({ sub: 'x'.repeat(256) })],
    ['whose subject holds a NUL', () => ({ sub: 'ada\0' })],
    ['that tells of a logout', () => ({ events: { 'http://schemas.openid.net/event/backchannel-logout': {} } })],
    ['of an anonymous sign-in', () => ({ is_anonymous: true })],
    ['of more than 8 kB', () => ({ fill: 'x'.repeat(8_000) })],
  ];
  test.each(payloads)('%s', async (_what, change) => {
    const payload = change(secondsOf(scene), scene.issuer.origin) as JWTPayload;
    await refuse(scene.issuer.sign({ payload }));
  });

  test('of 10 kB', () => refuse(`x.${encode({ iss: scene.issuer.origin })}.${'A'.repeat(10_000)}`));

  const headers: [string, object][] = [
    ['of the type of a logout', { typ: 'logout+jwt' }],
    ['of the type of an event', { typ: 'secevent+jwt' }],
    ['of a type that is no text', { typ: 1 }],
    ['whose key id is a number', { kid: 7 }],
    ['whose key id is unknown', { kid: 'other' }],
    ['whose key id is endless', { kid: 'x'.repeat(300) }],
  ];
  test.each(headers)('%s', async (_what, header) => {
    const token = await scene.issuer.sign();
    const [, body, signature] = token.split('.');
    const kid = scene.issuer.keys[0]?.jwk.kid;
    await refuse(`${encode({ alg: 'ES256', kid, ...header })}.${body}.${signature}`);
    if (!('kid' in header && header.kid === 7)) await refuse(scene.issuer.sign({ header }));
  });

  test.each(['none', 'None', 'NONE', 'HS256', 'hs256', 'HS512', 'ES256K', 'es256', '', null, ['ES256']])(
    'of algorithm %j',
    async (alg) => {
      const [key] = scene.issuer.keys;
      const { kid } = key?.jwk ?? {};
      const [, body, signature] = (await scene.issuer.sign()).split('.');
      for (const sealed of ['', signature]) await refuse(`${encode({ alg, kid })}.${body}.${sealed}`);
      const publicKey = (await importJWK(key?.jwk ?? {}, 'ES256')) as CryptoKey;
      const spki = await exportSPKI(publicKey);
      const der = createPublicKey(spki).export({ type: 'spki', format: 'der' });
      for (const secret of [spki, spki.trim(), der, JSON.stringify(key?.jwk), '']) {
        const signed = `${encode({ alg, kid })}.${body}`;
        await refuse(`${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`);
      }
    },
  );

  test('signed by a key of its own, however it brings it along', async () => {
    const thief = await makeIssuer({ now: () => scene.clock.now });
    const [key] = thief.keys;
    const { kid } = scene.issuer.keys[0]?.jwk ?? {};
    const iss = scene.issuer.origin;
    const url = thief.origin + jwksPath;
    for (const header of [
      {},
      { kid },
      { jwk: key?.jwk, kid },
      { jwk: key?.jwk, kid: undefined },
      { jku: url },
      { jku: url, kid },
      { x5u: url, kid },
      { x5c: ['MIIB'], kid },
    ]) {
      await refuse(thief.sign({ payload: { iss }, header }));
    }
    expect(thief.requests).toEqual([]);
    await thief.close();
  });

  test('of an algorithm that its key is not for', async () => {
    const { issuer, issuers } = await openScene({ alg: 'RS256' });
    const [rsa] = issuer.keys as [IssuerKey];
    const same = { kid: rsa.jwk.kid };
    const wrong = await Promise.all(['PS256', 'ES256', 'EdDSA'].map((alg) => makeIssuerKey(alg)));
    for (const key of wrong) await refuse(issuer.sign({ key, header: same }), { issuers } as IssuerScene);
    await expect(issuers.verify(await issuer.sign())).resolves.toMatchObject({ subject: 'ada' });
  });

  test('with demands, known or not', async () => {
    const { issuer } = scene;
    const [, body, signature] = (await issuer.sign()).split('.');
    const { kid } = issuer.keys[0]?.jwk ?? {};
    for (const header of [
      { crit: ['b64'], b64: false },
      { crit: ['exp'] },
      { crit: [] },
      { crit: null },
      { b64: true },
    ]) {
      await refuse(`${encode({ alg: 'ES256', kid, ...header })}.${body}.${signature}`);
    }
    await refuse(issuer.sign({ header: { crit: ['b64'], b64: true } }));
  });

  test('of another spelling than the one signed', async () => {
    const token = await scene.issuer.sign();
    const [head = '', body = '', signature = ''] = token.split('.');
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const stray = `${token.slice(0, -1)}${letters[letters.indexOf(token.at(-1) ?? '') + 1]}`;
    const changed = encode({ ...JSON.parse(Buffer.from(body, 'base64url').toString()), sub: 'eve' });
    const wrong = [stray, `${token}=`, `${head}=.${body}.${signature}`, `${head}.${body}`, `${token}.x`, `${token}\n`];
    for (const text of [...wrong, `${head}.${changed}.${signature}`, `${head}.${body}.`]) await refuse(text);
    await expect(scene.issuers.verify(token)).resolves.toMatchObject({ subject: 'ada' });
  });
});

describe('The keys of an issuer', () => {
  test('may go without names: each that fits is tried', async () => {
    const opened = await openScene();
    const { issuer, issuers } = opened;
    const nameless = await Promise.all(['ES256', 'ES256', 'RS256'].map((alg) => makeIssuerKey(alg, null)));
    issuer.keys.splice(0, 1, ...nameless);
    for (const key of nameless) {
      await expect(issuers.verify(await issuer.sign({ key }))).resolves.toMatchObject({ subject: 'ada' });
      const payload = { exp: secondsOf(opened) - 60 };
      await expect(issuers.verify(await issuer.sign({ key, payload }))).rejects.toThrow('has expired');
    }
    await refuse(issuer.sign({ key: await makeIssuerKey('ES256', null) }), opened);
  });

  test.each([
    ['a secret', { kty: 'oct', k: 'c2VjcmV0', kid: 'k', alg: 'HS256' }],
    ['broken', { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid: 'k' }],
    ['for encrypting', { use: 'enc' }],
    ['for another algorithm', { alg: 'ES384' }],
    ['for signing alone', { key_ops: ['sign'] }],
    ['private', { d: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }],
  ])('verify nothing where one is %s, and the others go on', async (_what, change) => {
    const opened = await openScene();
    const { issuer, issuers } = opened;
    const wrong = await makeIssuerKey('ES256', 'k');
    issuer.keys.push({ ...wrong, jwk: { ...wrong.jwk, ...change } });
    await refuse(issuer.sign({ key: wrong }), opened);
    await expect(issuers.verify(await issuer.sign())).resolves.toMatchObject({ subject: 'ada' });
  });

  test('are found under the name that the issuer gives itself, with or without a slash', async () => {
    const opened = await openScene();
    const { issuer, issuers } = opened;
    const spelled = { issuer: `${issuer.origin}/`, jwks_uri: issuer.origin + jwksPath };
    issuer.answers.set(discoveryPath, (response) => response.end(JSON.stringify(spelled)));
    const token = await issuer.sign({ payload: { iss: spelled.issuer } });
    expect(issuers.isOutside(token)).toBe(true);
    expect(await issuers.verify(token)).toMatchObject({ issuer: spelled.issuer });
    await refuse(issuer.sign(), opened);
  });
});
