import { afterEach, describe, expect, test } from 'vitest';
import { type IssuerScene, makeIssuerScene } from '#testing/issuer-scene.ts';
import { discoveryPath, type IssuerKey, jwksPath, makeIssuerKey, type TestIssuer } from '#testing/make-issuer.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});
async function openScene(options?: Parameters<typeof makeIssuerScene>[0]): Promise<IssuerScene> {
  const scene = await makeIssuerScene(options);
  opened.push(scene);
  return scene;
}

const fetches = ({ requests }: TestIssuer) => requests.filter(({ path }) => path === jwksPath).length;
const accept = async ({ issuers, issuer }: IssuerScene, key?: IssuerKey) =>
  expect(issuers.verify(await issuer.sign(key && { key }))).resolves.toMatchObject({ subject: 'ada' });
const refuse = async ({ issuers, issuer }: IssuerScene, key: IssuerKey) =>
  expect(issuers.verify(await issuer.sign({ key }))).rejects.toMatchObject({ code: 'INVALID_TOKEN' });
const failToSay = async ({ issuers, issuer }: IssuerScene, key?: IssuerKey) => {
  const verified = issuers.verify(await issuer.sign(key && { key }));
  const expected = { code: 'ISSUER_UNAVAILABLE', status: 503, retryAfterSeconds: expect.any(Number) };
  await expect(verified).rejects.toMatchObject(expected);
};
/** Has both of its paths answer with an error. */
const breakDown = ({ answers }: TestIssuer, status = 500) => {
  for (const path of [jwksPath, discoveryPath]) answers.set(path, (response) => response.writeHead(status).end('{}'));
};

describe('Keys are fetched', () => {
  test('once for a hundred tokens at once, and not again while they are fresh', async () => {
    const scene = await openScene();
    const { issuer, issuers, pass } = scene;
    const token = await issuer.sign();
    const verified = await Promise.all(Array.from({ length: 100 }, () => issuers.verify(token)));
    expect(new Set(verified.map(({ subject }) => subject))).toEqual(new Set(['ada']));
    pass(299);
    await accept(scene);
    expect(issuer.requests.map(({ path }) => path)).toEqual([discoveryPath, jwksPath]);
  });

  test('not before there is a token', async () => {
    const { issuer, issuers } = await openScene();
    issuers.isOutside(await issuer.sign());
    expect(issuer.requests).toEqual([]);
  });

  test('at most every 30 seconds for tokens of unknown keys, however many', async () => {
    const scene = await openScene();
    const { issuer, issuers, pass } = scene;
    await accept(scene);
    const stranger = await makeIssuerKey('ES256');
    const flood = async () => {
      const tokens = Array.from({ length: 50 }, (_, index) =>
        issuer.sign({ key: stranger, header: { kid: `k${index}` } }),
      );
      const verified = await Promise.allSettled(tokens.map(async (token) => issuers.verify(await token)));
      expect(verified.every(({ status }) => status === 'rejected')).toBe(true);
    };
    await flood();
    expect(fetches(issuer)).toBe(1);
    for (const second of [10, 20, 29]) {
      pass(second === 29 ? 9 : 10);
      await flood();
      expect(fetches(issuer)).toBe(1);
    }
    pass(1);
    await flood();
    await flood();
    expect(fetches(issuer)).toBe(2);
    await accept(scene);
  });
});

describe('When the issuer changes its keys', () => {
  test('a new one works with its first token', async () => {
    const scene = await openScene();
    await accept(scene);
    const newer = await makeIssuerKey('RS256');
    scene.issuer.keys.push(newer);
    scene.pass(30);
    await accept(scene, newer);
    await accept(scene);
  });

  test('one taken out works no longer after ten minutes, whether or not tokens come in between', async () => {
    for (const steps of [[300, 5], [600]]) {
      const scene = await openScene();
      const { issuer, pass } = scene;
      await accept(scene);
      const [older] = issuer.keys.splice(0, 1, await makeIssuerKey('ES256')) as [IssuerKey];
      for (const step of steps.slice(0, -1)) {
        pass(step);
        const fetched = issuer.nextRequest(jwksPath);
        await accept(scene, older);
        await fetched;
        // The answer is on its way: a token of the new key waits for it.
        await accept(scene);
      }
      pass(steps.at(-1) ?? 0);
      await refuse(scene, older);
      await accept(scene);
    }
  });

  test('to none at all, no token works', async () => {
    const scene = await openScene();
    await accept(scene);
    const [key] = scene.issuer.keys.splice(0) as [IssuerKey];
    scene.pass(600);
    await refuse(scene, key);
  });

  test('the place of the keys is looked up again', async () => {
    const scene = await openScene();
    const { issuer } = scene;
    await accept(scene);
    const moved = await makeIssuerKey('ES256');
    const path = '/moved.json';
    issuer.answers.set(path, (response) => response.end(JSON.stringify({ keys: [moved.jwk] })));
    const discovered = { issuer: issuer.origin, jwks_uri: issuer.origin + path };
    issuer.answers.set(discoveryPath, (response) => response.end(JSON.stringify(discovered)));
    scene.pass(30);
    await accept(scene, moved);
  });

  test('a clock that was set back holds nothing up', async () => {
    const scene = await openScene();
    await accept(scene);
    const newer = await makeIssuerKey('ES256');
    scene.issuer.keys.push(newer);
    scene.pass(-86_400);
    await accept(scene, newer);
  });
});

describe('While the issuer is away', () => {
  test('tokens of known keys go on for a day, without waiting for it', async () => {
    const scene = await openScene();
    const { issuer, pass, logged, expireCalls } = scene;
    await accept(scene);
    breakDown(issuer);
    pass(600);
    await accept(scene);
    expect(logged.join('')).toContain('the keys of an outside issuer cannot be had');
    issuer.answers.set(discoveryPath, () => undefined);
    pass(30);
    const asked = issuer.nextRequest(discoveryPath);
    await accept(scene);
    await asked;
    expireCalls();
    pass(86_400 - 631);
    await accept(scene);
    expireCalls();
    pass(31);
    const waits = failToSay(scene);
    await issuer.nextRequest(discoveryPath);
    expireCalls();
    await waits;
  });

  test('and no keys are known, the answer is 503 and not 401, and the next try soon', async () => {
    const scene = await openScene();
    const { issuer, issuers, pass } = scene;
    breakDown(issuer);
    await expect(issuers.verify(await issuer.sign())).rejects.toMatchObject({
      code: 'ISSUER_UNAVAILABLE',
      retryAfterSeconds: 5,
      message: expect.stringContaining(issuer.origin),
    });
    await Promise.all(Array.from({ length: 20 }, () => failToSay(scene)));
    expect(issuer.requests).toHaveLength(1);
    issuer.answers.clear();
    pass(4);
    await failToSay(scene);
    pass(1);
    await accept(scene);
  });

  test('a token of an unknown key may be right: 503, and 200 when it is back', async () => {
    const scene = await openScene();
    const { issuer, pass } = scene;
    await accept(scene);
    const newer = await makeIssuerKey('ES256');
    issuer.keys.push(newer);
    breakDown(issuer, 404);
    pass(30);
    await failToSay(scene, newer);
    await failToSay(scene, newer);
    await accept(scene);
    issuer.answers.clear();
    pass(30);
    await accept(scene, newer);
  });

  test('it is not even there', async () => {
    const scene = await openScene();
    const token = await scene.issuer.sign();
    await scene.issuer.close();
    opened.splice(0);
    await expect(scene.issuers.verify(token)).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' });
  });

  test('a call that takes its time is waited for, and not made twice', async () => {
    const scene = await openScene();
    const { issuer, issuers, pass } = scene;
    const held: (() => void)[] = [];
    const body = JSON.stringify({ keys: issuer.keys.map(({ jwk }) => jwk) });
    issuer.answers.set(jwksPath, (response) => held.push(() => response.end(body)));
    const token = await issuer.sign();
    const asked = issuer.nextRequest(jwksPath);
    const first = issuers.verify(token);
    await asked;
    pass(7);
    const second = issuers.verify(token);
    for (const answer of held) answer();
    await expect(Promise.all([first, second])).resolves.toHaveLength(2);
    expect(fetches(issuer)).toBe(1);
  });

  test('a call that never ends is given up', async () => {
    for (const path of [discoveryPath, jwksPath]) {
      const scene = await openScene();
      const { issuer, expireCalls } = scene;
      // Headers and the beginning of an answer, and then nothing more.
      issuer.answers.set(path, (response) => response.writeHead(200).write('{"keys":['));
      const asked = issuer.nextRequest(path);
      const waits = failToSay(scene);
      await asked;
      expireCalls();
      await waits;
    }
  });
});
