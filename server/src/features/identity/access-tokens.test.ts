import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { createAccessTokens } from './access-tokens.ts';

const secret = randomBytes(48).toString('base64');
const clock = { now: new Date('2024-12-18T12:00:00Z') };
const tokens = createAccessTokens(secret, () => clock.now);
const claims = { userId: newId(), sessionId: newId(), organizationId: newId() };
const seconds = Math.floor(clock.now.getTime() / 1000);
const good = {
  iss: 'almanac',
  aud: 'almanac',
  sub: claims.userId,
  sid: claims.sessionId,
  org: claims.organizationId,
  iat: seconds,
  exp: seconds + 900,
};

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
/** Signs by hand whatever is asked for. */
function forge({
  header = {},
  payload = {},
  key = secret,
  hash = 'sha256',
}: {
  header?: object;
  payload?: object;
  key?: string;
  hash?: string;
}): string {
  const signed = `${encode({ alg: 'HS256', typ: 'JWT', ...header })}.${encode({ ...good, ...payload })}`;
  return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`;
}
const token = await tokens.sign(claims);
const [head = '', body = '', signature = ''] = token.split('.');

test('a token says who it was signed for, for 15 minutes', async () => {
  expect(await tokens.verify(token)).toEqual({ ...claims, expiresMs: clock.now.getTime() + 900_000 });
  expect(await tokens.verify(forge({}))).toMatchObject(claims);
});

test('a token ends on its second', async () => {
  const later = (ms: number) => createAccessTokens(secret, () => new Date(clock.now.getTime() + ms)).verify(token);
  await expect(later(899_000)).resolves.toMatchObject(claims);
  await expect(later(900_000)).rejects.toThrow('has expired');
});

describe('INVALID_TOKEN answers a token', () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const sameEnd = (text: string) => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    return `${text.slice(0, -1)}${letters[letters.indexOf(text.at(-1) ?? '') + 1]}`;
  };
  const cases: [string, string | Promise<string>][] = [
    ['of algorithm none', `${encode({ alg: 'none' })}.${body}.`],
    ['of algorithm none that keeps the signature', `${encode({ alg: 'none' })}.${body}.${signature}`],
    ['of algorithm None', `${encode({ alg: 'None' })}.${body}.${signature}`],
    ['signed with HS512', forge({ header: { alg: 'HS512' }, hash: 'sha512' })],
    ['signed with HS384 that says HS256', forge({ hash: 'sha384' })],
    ['signed with a key of its own', new SignJWT(good).setProtectedHeader({ alg: 'EdDSA' }).sign(privateKey)],
    ['signed with another secret', forge({ key: 'another secret of thirty-two bytes' })],
    ['signed with an empty secret', forge({ key: '' })],
    ['with a changed payload', `${head}.${encode({ ...good, sub: newId() })}.${signature}`],
    ['of another issuer', forge({ payload: { iss: 'someone' } })],
    ['for another audience', forge({ payload: { aud: 'someone' } })],
    ['for several audiences, ours not among them', forge({ payload: { aud: ['a', 'b'] } })],
    ['that has expired', forge({ payload: { exp: seconds - 1 } })],
    ['that does not count yet', forge({ payload: { nbf: seconds + 60 } })],
    ['that never ends', forge({ payload: { exp: undefined } })],
    ['that ends at no number', forge({ payload: { exp: 'tomorrow' } })],
    ['without a subject', forge({ payload: { sub: undefined } })],
    ['without a session', forge({ payload: { sid: undefined } })],
    ['whose subject is no id', forge({ payload: { sub: "' or true --" } })],
    ['whose session is an object', forge({ payload: { sid: { a: 1 } } })],
    ['with demands that are not known', forge({ header: { crit: ['b64'], b64: false } })],
    ['with padding', `${token}=`],
    ['with padding in the middle', `${head}=.${body}.${signature}`],
    ['with stray bits at its end', sameEnd(token)],
    ['with a line break', `${token}\n`],
    ['with something after it', `${token}.x`],
    ['in plain base64', `${head}.${body}.${signature.slice(0, -2)}+/`],
    ['of two parts', `${head}.${body}`],
    ['of empty parts', '..'],
    ['of five parts', 'a.b.c.d.e'],
    ['whose header is no JSON', `${Buffer.from('nonsense').toString('base64url')}.${body}.${signature}`],
    ['of 10 kB', `${head}.${'A'.repeat(10_000)}.${signature}`],
    ['that is empty', ''],
  ];
  test.each(cases)('%s', async (_what, forged) => {
    await expect(tokens.verify(await forged)).rejects.toMatchObject({ code: 'INVALID_TOKEN', status: 401 });
  });
});
