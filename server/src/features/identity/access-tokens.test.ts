import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { readPublicKeys } from '#platform/crypto/sign-tokens.ts';
import { createAccessTokens } from './access-tokens.ts';

const secret = randomBytes(48).toString('base64');
const pair = generateKeyPairSync('ed25519');
const privateKey = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const publicPem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const clock = { now: new Date('2024-12-18T12:00:00.250Z') };
const now = () => clock.now;
const seconds = Math.floor(clock.now.getTime() / 1000);
const grant = { userId: newId(), sessionId: newId(), organizationId: newId(), role: 'analyst' as const };
const { role: _role, ...claims } = grant;

const encode = (text: string) => Buffer.from(text).toString('base64url');
const decode = (token: string, part: number) =>
  JSON.parse(Buffer.from(token.split('.')[part] ?? '', 'base64url').toString());
const hmacBy =
  (key: string | Buffer, hash = 'sha256') =>
  (text: string) =>
    createHmac(hash, key).update(text).digest('base64url');
const signBy = (key: KeyObject) => (text: string) => sign(null, Buffer.from(text), key).toString('base64url');

interface Installation {
  key: { secret: string } | { privateKey: string };
  header: object;
  /** Signs as the installation itself does. */
  seal: (text: string) => string;
}

const [published] = readPublicKeys({ privateKey });
const installations: Record<string, Installation> = {
  'With a secret': { key: { secret }, header: { alg: 'HS256', typ: 'JWT' }, seal: hmacBy(secret) },
  'With a key pair': {
    key: { privateKey },
    header: { alg: 'EdDSA', typ: 'JWT', kid: published?.kid },
    seal: signBy(pair.privateKey),
  },
};
const good = {
  sub: grant.userId,
  sid: grant.sessionId,
  org: grant.organizationId,
  role: grant.role,
  iss: 'almanac',
  aud: 'almanac',
  iat: seconds,
  exp: seconds + 900,
};

interface Forgery {
  header?: object;
  payload?: object;
  /** The payload word for word. */
  text?: string;
  seal?: (text: string) => string;
}

describe.each(Object.entries(installations))('%s', (_name, { key, header, seal }) => {
  const tokens = createAccessTokens({ ...key, now });
  const forge = ({ header: change, payload, text, seal: otherSeal = seal }: Forgery = {}) => {
    const body = text ?? JSON.stringify({ ...good, ...payload });
    const signed = `${encode(JSON.stringify({ ...header, ...change }))}.${encode(body)}`;
    return `${signed}.${otherSeal(signed)}`;
  };
  const token = forge();
  const [head = '', body = '', signature = ''] = token.split('.');
  const refuse = (forged: string) =>
    expect(tokens.verify(forged)).rejects.toMatchObject({ code: 'INVALID_TOKEN', status: 401 });

  test('a token says who it was signed for, for 15 minutes', async () => {
    const signed = await tokens.sign(grant);
    expect(await tokens.verify(signed)).toEqual({ ...claims, expiresMs: (seconds + 900) * 1000 });
    expect(decode(signed, 0)).toEqual(header);
    expect(decode(signed, 1)).toEqual(good);
    // What follows is refused for what is changed in it, and for nothing else.
    expect(await tokens.verify(token)).toEqual(await tokens.verify(signed));
  });

  test('a token ends on its second', async () => {
    const at = (ms: number) => createAccessTokens({ ...key, now: () => new Date(seconds * 1000 + ms) }).verify(token);
    await expect(at(899_999)).resolves.toMatchObject(claims);
    await expect(at(900_000)).rejects.toThrow('has expired');
  });

  test('of another installation’s key, a token is refused', async () => {
    const other = 'secret' in key ? { secret: randomBytes(48).toString('base64') } : { privateKey: newPrivateKey() };
    const elsewhere = createAccessTokens({ ...other, now });
    await refuse(await elsewhere.sign(grant));
    await expect(elsewhere.verify(token)).rejects.toMatchObject({ code: 'INVALID_TOKEN' });
  });

  describe('INVALID_TOKEN answers a token', () => {
    const algorithms = ['none', 'None', 'NONE', 'nOnE', 'hs256', 'Hs256', 'HS384', 'HS512', 'RS256', 'ES256', 'PS256'];
    const more = [
      'eddsa',
      'EDDSA',
      'Ed25519',
      'Ed448',
      '',
      ' HS256',
      'HS256 ',
      'HS256\0',
      null,
      true,
      256,
      ['HS256'],
      {},
    ];
    test.each([...algorithms, ...more])('of algorithm %j', async (alg) => {
      await refuse(forge({ header: { alg } }));
      await refuse(forge({ header: { alg }, seal: () => '' }));
      await refuse(forge({ header: { alg }, seal: () => signature }));
      await refuse(forge({ header: { alg }, seal: hmacBy('') }));
    });

    test('without an algorithm', () => refuse(forge({ header: { alg: undefined } })));

    const spki = pair.publicKey.export({ type: 'spki', format: 'der' });
    const raw = Buffer.from(published?.x ?? '', 'base64url');
    const secrets = { publicPem, 'trimmed PEM': publicPem.trim(), spki, raw, x: published?.x ?? '', 'no secret': '' };
    test.each(Object.entries(secrets))(
      'signed with HS256 and the public key for the secret (%s)',
      async (_as, wrong) => {
        await refuse(forge({ header: { alg: 'HS256' }, seal: hmacBy(wrong) }));
        await refuse(forge({ header: { alg: 'HS256', kid: undefined }, seal: hmacBy(wrong) }));
        await refuse(forge({ seal: hmacBy(wrong) }));
      },
    );

    test('of the other kind of key', async () => {
      const [own, other] =
        'secret' in key ? ['With a secret', 'With a key pair'] : ['With a key pair', 'With a secret'];
      expect(installations[own]?.key).toBe(key);
      const elsewhere = installations[other];
      await refuse(await createAccessTokens({ ...(elsewhere?.key ?? key), now }).sign(grant));
      await refuse(forge({ ...(elsewhere && { seal: elsewhere.seal }) }));
    });

    const thief = generateKeyPairSync('ed25519');
    const thiefJwk = thief.publicKey.export({ format: 'jwk' });
    const headers: [string, object][] = [
      ['that brings its own key', { jwk: thiefJwk }],
      ['that says where its key is', { jku: 'https://thief.example/jwks.json' }],
      ['that brings a certificate', { x5c: ['MIIB'], x5u: 'https://thief.example/x' }],
      ['of another key id', { kid: 'other' }],
      ['whose key id is a path', { kid: '../../../../dev/null' }],
      ['whose key id is SQL', { kid: "x' union select 'secret" }],
      ['whose key id is a number', { kid: 1 }],
      ['whose key id is empty', { kid: '' }],
      ['whose key id is a list', { kid: [published?.kid] }],
      ['with demands that are not known', { crit: ['b64'], b64: false }],
      ['with demands that are known', { crit: ['exp'], exp: 1 }],
      ['with no demands', { crit: [] }],
      ['that is encrypted', { enc: 'A256GCM', zip: 'DEF' }],
      ['of another type', { typ: 'at+jwt' }],
      ['nested in a token', { cty: 'JWT' }],
    ];
    test.each(headers)('%s', async (_what, change) => {
      await refuse(forge({ header: change }));
      await refuse(forge({ header: { ...change, alg: 'EdDSA' }, seal: signBy(thief.privateKey) }));
    });

    const json = JSON.stringify(good);
    const twice = (member: string) => json.replace('{', `{${member},`);
    const payloads: [string, Forgery][] = [
      ['of another issuer', { payload: { iss: 'someone' } }],
      ['of no issuer', { payload: { iss: undefined } }],
      ['of several issuers', { payload: { iss: ['almanac'] } }],
      ['for another audience', { payload: { aud: 'someone' } }],
      ['for no audience', { payload: { aud: undefined } }],
      ['for several audiences, ours not among them', { payload: { aud: ['a', 'b'] } }],
      ['for several audiences, ours among them', { payload: { aud: ['almanac', 'almanac/mfa'] } }],
      ['for the second step of signing in', { payload: { aud: 'almanac/mfa' } }],
      ['that has expired', { payload: { exp: seconds } }],
      ['that expired long ago', { payload: { exp: 1 } }],
      ['that ended before time began', { payload: { exp: -1 } }],
      ['that does not count yet', { payload: { nbf: seconds + 60 } }],
      ['that never ends', { payload: { exp: undefined } }],
      ['that ends at nothing', { payload: { exp: null } }],
      ['that ends at a text', { payload: { exp: String(seconds + 900) } }],
      ['that ends at a word', { payload: { exp: 'tomorrow' } }],
      ['that ends at a list', { payload: { exp: [seconds + 900] } }],
      ['that ends within a second', { payload: { exp: seconds + 900.5 } }],
      ['that ends past all dates', { payload: { exp: 1e18 } }],
      ['that ends at milliseconds', { payload: { exp: clock.now.getTime() + 900_000 } }],
      ['that ends past all numbers', { text: json.replace(/"exp":\d+/, '"exp":1e999') }],
      ['that ends at a number spelled otherwise', { text: json.replace(/"exp":(\d+)/, '"exp":$1.0') }],
      ['without a subject', { payload: { sub: undefined } }],
      ['without a session', { payload: { sid: undefined } }],
      ['without an organization', { payload: { org: undefined } }],
      ['whose subject is no id', { payload: { sub: "' or true --" } }],
      ['whose subject is an id and more', { payload: { sub: `${grant.userId}\n` } }],
      ['whose session is an object', { payload: { sid: { a: 1 } } }],
      ['whose organization is a list', { payload: { org: [grant.organizationId] } }],
      ['that names its subject twice', { text: twice(`"sub":"${newId()}"`) }],
      ['that names its end twice', { text: twice(`"exp":${seconds + 1_000_000}`) }],
      ['that names its subject twice, once escaped', { text: twice(`"s\\u0075b":"${newId()}"`) }],
      ['with blanks in it', { text: JSON.stringify(good, null, 1) }],
      ['with a byte order mark', { text: `\uFEFF${json}` }],
      ['of more than 4 kB', { payload: { fill: 'x'.repeat(4_000) } }],
      ['whose payload is a list', { text: `[${json}]` }],
      ['whose payload is a text', { text: '"almanac"' }],
      ['whose payload is null', { text: 'null' }],
      ['whose payload is no JSON', { text: 'nonsense' }],
      ['whose payload is empty', { text: '{}' }],
    ];
    test.each(payloads)('%s', (_what, forgery) => refuse(forge(forgery)));

    const texts: [string, string][] = [
      ['with a changed payload', `${head}.${encode(JSON.stringify({ ...good, sub: newId() }))}.${signature}`],
      [
        'with another role written into it',
        `${head}.${encode(JSON.stringify({ ...good, role: 'owner' }))}.${signature}`,
      ],
      ['with a changed signature', `${head}.${body}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`],
      ['with half a signature', `${head}.${body}.${signature.slice(0, signature.length / 2)}`],
      ['with two signatures', `${head}.${body}.${signature}${signature}`],
      ['without a signature', `${head}.${body}.`],
      ['with padding', `${token}=`],
      ['with padding in the middle', `${head}=.${body}.${signature}`],
      ['with stray bits at its end', changeStrayBits(token)],
      ['with a line break', `${token}\n`],
      ['with a blank before it', ` ${token}`],
      ['with something after it', `${token}.x`],
      ['in plain base64', `${head}.${body}.${signature.slice(0, -2)}+/`],
      ['of two parts', `${head}.${body}`],
      ['of empty parts', '..'],
      ['of five parts', 'a.b.c.d.e'],
      ['whose header is no JSON', `${encode('nonsense')}.${body}.${signature}`],
      ['of 10 kB', `${head}.${'A'.repeat(10_000)}.${signature}`],
      ['that is empty', ''],
    ];
    test.each(texts)('%s', (_what, forged) => refuse(forged));
  });

  describe('A token between password and second factor', () => {
    test('says who it was signed for and when, to the millisecond, for five minutes', async () => {
      const signed = await tokens.signMfaToken({ userId: grant.userId });
      const { id, ...rest } = await tokens.verifyMfaToken(signed);
      expect(rest).toEqual({ userId: grant.userId, issuedMs: clock.now.getTime() });
      expect(decode(signed, 1)).toMatchObject({ aud: 'almanac/mfa', jti: id, iat: seconds, exp: seconds + 300 });
      const at = (ms: number) => createAccessTokens({ ...key, now: () => new Date(seconds * 1000 + ms) });
      await expect(at(299_999).verifyMfaToken(signed)).resolves.toMatchObject({ id });
      await expect(at(300_000).verifyMfaToken(signed)).rejects.toMatchObject({ code: 'INVALID_TOKEN' });
    });

    test('has an id of its own each time', async () => {
      const ids = await Promise.all(
        [1, 2].map(async () => (await tokens.verifyMfaToken(await tokens.signMfaToken(grant))).id),
      );
      expect(new Set(ids).size).toBe(2);
    });

    test('is no access token, nor the other way round', async () => {
      await refuse(await tokens.signMfaToken({ userId: grant.userId }));
      await expect(tokens.verifyMfaToken(await tokens.sign(grant))).rejects.toMatchObject({ code: 'INVALID_TOKEN' });
    });

    const goodStep = { sub: grant.userId, jti: newId(), iat_ms: seconds * 1000, aud: 'almanac/mfa', sid: undefined };
    test.each([
      ['for another audience', { aud: 'almanac' }],
      ['for both audiences', { aud: ['almanac/mfa', 'almanac'] }],
      ['without an id', { jti: undefined }],
      ['without a moment', { iat_ms: undefined }],
      ['whose moment is a text', { iat_ms: String(seconds * 1000) }],
      ['whose moment is no whole number', { iat_ms: seconds * 1000 + 0.5 }],
      ['without a subject', { sub: undefined }],
      ['that has expired', { exp: seconds }],
    ])('is refused %s', async (_what, change) => {
      await expect(tokens.verifyMfaToken(forge({ payload: goodStep }))).resolves.toMatchObject({
        userId: grant.userId,
      });
      const forged = forge({ payload: { ...goodStep, ...change } });
      await expect(tokens.verifyMfaToken(forged)).rejects.toMatchObject({ code: 'INVALID_TOKEN', status: 401 });
    });
  });
});

function newPrivateKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Another spelling of the same bytes: 32 and 64 bytes leave bits over in their last letter. */
function changeStrayBits(token: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const changed = `${token.slice(0, -1)}${letters[letters.indexOf(token.at(-1) ?? '') + 1]}`;
  const bytesOf = (text: string) => Buffer.from(text.split('.')[2] ?? '', 'base64url');
  expect(bytesOf(changed)).toEqual(bytesOf(token));
  return changed;
}

test('the published key is the one that tokens verify by, and bears nothing private', () => {
  expect(readPublicKeys({ secret })).toEqual([]);
  expect(Object.keys(published ?? {})).toEqual(['kty', 'crv', 'x', 'kid', 'alg', 'use']);
  const key = createPublicKey({ key: { ...published }, format: 'jwk' });
  expect(key.export({ type: 'spki', format: 'pem' })).toBe(publicPem);
});
