import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { inject } from '#testing/inject.ts';
import { listEndpoints } from '#testing/list-endpoints.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';

const password = 'correct horse battery';
let it: TestApp;
let token: string;
let addresses = 0;
beforeAll(async () => {
  it = await makeTestApp();
  token = (await send('/auth/register', { email: `${newId()}@example.org`, password })).json().access_token;
});
afterAll(() => it.close());

/** From a new address each time, so that no limit stands between a body and what reads it. */
const from = () => {
  addresses += 1;
  return `10.${5 + (addresses >> 16)}.${(addresses >> 8) & 255}.${addresses & 255}`;
};
const send = (url: string, body: object, headers: Record<string, string> = {}) =>
  inject(it.app, {
    method: 'POST',
    url,
    body,
    headers,
    remoteAddress: from(),
  });

const routes = listEndpoints()
  .filter(({ method, path, body }) => body && method === 'POST' && /^\/(auth|users|invitations)\//.test(path))
  // It would end the session that the others are called with.
  .filter(({ id }) => id !== 'identity.logout')
  .map(({ path, body }) => [path, Object.keys((body as { properties: object }).properties)] as const);

const values = [
  null,
  true,
  -1,
  1e308,
  [],
  [[]],
  {},
  '',
  ' ',
  '\n',
  "' or 1=1 --",
  '{{7*7}}',
  '../../etc/passwd',
  'x'.repeat(5_000),
];

describe.each(routes)('%s', (url, fields) => {
  const answers = [200, 201, 202, 400, 401, 403, 409, 415, 429];
  const check = async (body: object) => {
    const answer = await send(url, body, { authorization: `Bearer ${token}` });
    expect(answers, `${answer.statusCode} to ${JSON.stringify(body).slice(0, 80)}`).toContain(answer.statusCode);
    if (answer.statusCode >= 400) expect(answer.json().error).toMatchObject({ code: expect.any(String) });
    expect(answer.body.length).toBeLessThan(20_000);
  };

  test('answers any value in any of its fields with an error of the caller', async () => {
    for (const field of fields) for (const value of values) await check({ [field]: value });
    const bodies = fc.dictionary(fc.constantFrom(...fields, 'extra'), fc.jsonValue({ maxDepth: 3 }));
    await fc.assert(fc.asyncProperty(bodies, check), { numRuns: 30 });
  });
});

describe('Headers and cookies out of the ordinary', () => {
  const profile = async (headers: Record<string, string | string[]>) => {
    const answer = await inject(it.app, { url: '/users/profile', headers: headers as Record<string, string> });
    return answer.statusCode;
  };

  test('the scheme is read in any case, and one token is taken', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR  ']) {
      expect(await profile({ authorization: `${scheme} ${token}` })).toBe(200);
    }
  });

  test('whatever else is in Authorization is refused', async () => {
    const wrong = [
      '',
      ' ',
      'Bearer',
      token,
      `Token ${token}`,
      `Bearer\t${token}`,
      `Bearer ${token} `.repeat(2),
      `Bearer ${token}, Bearer ${token}`,
      `Bearer "${token}"`,
      `Bearer ${token}=`,
      `Bearer ${token}A`,
      `Bearer ${token.replace('.', '..')}`,
      `Bearer ${token.split('.').slice(0, 2).join('.')}.`,
      `Bearer ${token.replaceAll('.', '%2E')}`,
      `Bearer ${'é'.repeat(100)}`,
      `Bearer ${'x'.repeat(10_000)}`,
      `Bearer ${'a.'.repeat(4_000)}`,
    ];
    for (const authorization of wrong) expect(await profile({ authorization }), authorization.slice(0, 60)).toBe(401);
  });

  test('two sorts of credentials at once are refused, and wrong ones are never passed over for good ones', async () => {
    const cookie = `access_token=${token}`;
    expect(await profile({ authorization: `Bearer ${token}`, 'x-api-key': 'x' })).toBe(401);
    expect(await profile({ cookie, 'x-api-key': 'x' })).toBe(401);
    expect(await profile({ cookie, authorization: 'Bearer x' })).toBe(401);
    expect(await profile({ cookie: 'access_token=x', authorization: `Bearer ${token}` })).toBe(200);
  });

  test('a key in the place of a token, or a token in that of a key, is told where it belongs', async () => {
    const made = await inject(it.app, {
      method: 'POST',
      url: '/auth/api-keys',
      headers: { authorization: `Bearer ${token}` },
      body: { name: 'A key', scopes: ['profile:read'] },
    });
    const { key } = made.json();
    const refusal = async (headers: Record<string, string>) => {
      const answer = await inject(it.app, { url: '/users/profile', headers });
      for (const secret of [key, token]) expect(answer.body).not.toContain(secret);
      return [answer.statusCode, answer.json().error.code, answer.json().error.message];
    };
    expect(await profile({ 'x-api-key': key })).toBe(200);
    for (const authorization of [`Bearer ${key}`, `bearer  ${key}`, `ApiKey ${key}`, key, 'Bearer alm_x']) {
      const message = expect.stringContaining('`X-API-Key: alm_…`');
      expect(await refusal({ authorization })).toEqual([401, 'INVALID_TOKEN', message]);
    }
    for (const sent of [token, `Bearer ${token}`]) {
      const message = expect.stringContaining('`Authorization: Bearer …`');
      expect(await refusal({ 'x-api-key': sent })).toEqual([401, 'INVALID_TOKEN', message]);
    }
    for (const sent of ['x', `${key}x`, 'eyJ', 'a.b.c']) {
      const message = expect.stringContaining('The API key is unknown');
      expect(await refusal({ 'x-api-key': sent })).toEqual([401, 'INVALID_TOKEN', message]);
    }
  });

  test.each([
    ['access_token=x', 401],
    ['access_token=', 401],
    ['access_token', 401],
    ['ACCESS_TOKEN=x', 401],
    [`other=${'x'.repeat(8_000)}`, 401],
    ['access_token=%', 401],
    ['access_token=%00', 401],
    ['=;;;=; a=b; access_token=x; access_token=y', 401],
  ])('the cookie %j is no way in', async (cookie, status) => {
    expect(await profile({ cookie })).toBe(status);
  });

  test('a cookie changes nothing for a page that is not allowed to', async () => {
    const cookie = `access_token=${token}`;
    const put = async (headers: Record<string, string>) =>
      (
        await inject(it.app, {
          method: 'PUT',
          url: '/users/profile',
          headers: { cookie, ...headers },
          body: { name: 'Eve' },
        })
      ).statusCode;
    for (const origin of ['https://evil.example', 'null', '', 'http://localhost.evil.example'])
      expect(await put({ origin })).toBe(403);
    expect(await put({})).toBe(403);
    expect(await put({ origin: 'http://localhost:3000' })).toBe(200);
  });
});

describe('An e-mail address', () => {
  test.each([
    "o'brien+tag@example.org",
    '!#$%&*+/=?^_`{|}~-@example.org',
    'a@b.co',
    'x@sub.sub.example.museum',
    'very.long.local.part.with.many.dots@example.org',
    '1234567890@example.org',
    'UPPER@EXAMPLE.ORG',
    'xn--pss@xn--bcher-kva.example',
  ])('that is valid and strange is taken: %s', async (strange) => {
    const email = strange.replace('@', `${newId().slice(-6)}@`);
    expect((await send('/auth/register', { email, password })).statusCode).toBe(201);
    expect((await send('/auth/login', { email: email.toLowerCase(), password })).statusCode).toBe(200);
  });

  test.each([
    'plain',
    '@example.org',
    'a@',
    'a b@example.org',
    'a@b@example.org',
    '.a@example.org',
    'a..b@example.org',
    'a@example..org',
    'a@-example.org',
    'a@example.org\r\nBcc: b@example.org',
    ' a@example.org',
    'a@example.org ',
    `${'a'.repeat(250)}@b.co`,
    '<a@example.org>',
    'ａ@example.org',
  ])('that is none is refused: %j', async (email) => {
    const answer = await send('/auth/register', { email, password });
    expect([answer.statusCode, answer.json().error.details.field]).toEqual([400, 'email']);
  });
});
