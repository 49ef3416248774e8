import { afterEach, describe, expect, test } from 'vitest';
import { type IssuerScene, makeIssuerScene } from '#testing/issuer-scene.ts';
import { discoveryPath, type IssuerKey, jwksPath, makeIssuer, type TestIssuer } from '#testing/make-issuer.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});
async function openScene(): Promise<IssuerScene> {
  const scene = await makeIssuerScene();
  opened.push(scene);
  return scene;
}

const accept = async ({ issuers, issuer }: IssuerScene) =>
  expect(issuers.verify(await issuer.sign())).resolves.toMatchObject({ subject: 'ada' });
const failToSay = async ({ issuers, issuer }: IssuerScene, key?: IssuerKey) =>
  expect(issuers.verify(await issuer.sign(key && { key }))).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' });

describe('An answer is no set of keys', () => {
  const good = async (issuer: TestIssuer) => JSON.stringify({ keys: issuer.keys.map(({ jwk }) => jwk) });
  const wrong: [string, (issuer: TestIssuer) => string | Promise<string>][] = [
    ['and is empty', () => ''],
    ['and is no JSON', () => '<html>Sign in to the network</html>'],
    ['and is cut off', async (issuer) => (await good(issuer)).slice(0, -1)],
    ['and is null', () => 'null'],
    ['and is a list', () => '[]'],
    ['and is an object without keys', () => '{}'],
    ['and its keys are an object', () => '{"keys":{"length":1}}'],
    ['and its keys are texts', () => '{"keys":["x"]}'],
    ['and is larger than is read', async (issuer) => `${' '.repeat(200_000)}${await good(issuer)}`],
    ['and holds more keys than anybody has', ({ keys }) => JSON.stringify({ keys: Array(101).fill(keys[0]?.jwk) })],
  ];
  test.each(wrong)('%s', async (_what, makeBody) => {
    const scene = await openScene();
    const { issuer, pass } = scene;
    const body = await makeBody(issuer);
    issuer.answers.set(jwksPath, (response) => response.end(body));
    await failToSay(scene);
    issuer.answers.clear();
    pass(5);
    await accept(scene);
    // What is known is not lost to it, either.
    issuer.answers.set(jwksPath, (response) => response.end(body));
    pass(600);
    await accept(scene);
  });

  test('and comes from elsewhere: a private address, or another path of its own', async () => {
    const inner = await makeIssuer({ now: () => new Date('2024-12-18T12:00:00Z') });
    opened.push(inner);
    const scene = await openScene();
    const { issuer, pass } = scene;
    issuer.answers.set('/elsewhere.json', (response) => response.end(JSON.stringify({ keys: [inner.keys[0]?.jwk] })));
    for (const location of [inner.origin + jwksPath, '/elsewhere.json']) {
      issuer.answers.set(jwksPath, (response) => response.writeHead(302, { location }).end());
      await failToSay(scene, inner.keys[0]);
      pass(5);
    }
    expect(inner.requests).toEqual([]);
  });

  const otherName = 'calls itself by another name';
  const noPlace = 'names no https:// address of its keys';
  test.each([
    ['of another issuer', { issuer: 'https://id.example' }, otherName],
    ['of no issuer', { issuer: undefined }, otherName],
    ['of a path of the issuer', { issuer: 'ORIGIN/realms/main' }, otherName],
    ['without a place of keys', { jwks_uri: undefined }, noPlace],
    ['whose keys are at a list', { jwks_uri: ['ORIGIN/keys.json'] }, noPlace],
    ['whose keys are in a file', { jwks_uri: 'file:///etc/passwd' }, noPlace],
    ['whose keys come without TLS from elsewhere', { jwks_uri: 'http://id.example/keys.json' }, noPlace],
    ['whose keys are at a private address', { jwks_uri: 'https://127.0.0.1:1/keys.json' }, 'is a private'],
  ])('where discovery tells %s', async (_what, change, reason) => {
    const scene = await openScene();
    const { issuer, logged } = scene;
    const text = JSON.stringify({ issuer: issuer.origin, jwks_uri: issuer.origin + jwksPath, ...change });
    issuer.answers.set(discoveryPath, (response) => response.end(text.replaceAll('ORIGIN', issuer.origin)));
    await failToSay(scene);
    expect(logged.at(-1)).toContain(reason);
    expect(issuer.requests.map(({ path }) => path)).toEqual([discoveryPath]);
  });
});
