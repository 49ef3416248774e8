import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inject } from '#testing/inject.ts';
import { listEndpoints } from '#testing/list-endpoints.ts';
import { makeTestApp, type TestApp, type TestMember } from '#testing/make-app.ts';

let it: TestApp;
let member: TestMember;
beforeAll(async () => {
  it = await makeTestApp();
  member = await (await it.makeOrganization()).member('owner');
});
afterAll(() => it.close());

const deep = (open: string, close: string, levels: number) => open.repeat(levels) + close.repeat(levels);
const bodies: [string, string | Buffer][] = [
  ['a lone brace', '{'],
  ['a number', '5'],
  ['a text', '"x"'],
  ['true', 'true'],
  ['NaN', 'NaN'],
  ['a byte order mark', '\ufeff{}'],
  ['single quotes', "{'a': 1}"],
  ['a comma at the end', '{"a": 1,}'],
  ['comments', '{/* a */}'],
  ['two documents', '{}{}'],
  ['NUL bytes', Buffer.alloc(100)],
  ['bytes that are no UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22])],
  ['an overlong encoding', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
  ['UTF-16', Buffer.from('{"a":1}', 'utf16le')],
  ['lists within lists', deep('[', ']', 400_000)],
  ['lists within lists, never closed', '['.repeat(900_000)],
  ['objects within objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  ['depth where a list belongs', `{"items":${deep('[', ']', 200_000)}}`],
  ['depth where a text belongs', `{"email":${deep('[', ']', 200_000)},"password":${deep('[', ']', 200_000)}}`],
  ['depth that hides escapes', `{"items":${deep('[', ']', 50_000)},"a":"\\u0041"}`],
  ['a key of a megabyte', `{"${'k'.repeat(1_000_000)}":1}`],
  ['a hundred thousand keys', `{${Array.from({ length: 90_000 }, (_, n) => `"${n}":1`).join()}}`],
  ['the same key twice', '{"items":[],"items":5}'],
  ['__proto__', '{"__proto__":{"isAdmin":true}}'],
  ['constructor', '{"constructor":{"prototype":{"isAdmin":true}}}'],
  ['names of methods', '{"toString":1,"valueOf":1,"hasOwnProperty":1}'],
  ['a number too large', '{"items":1e999,"week":1e999,"email":1e999}'],
  ['a number too long', `{"week":${'9'.repeat(10_000)}}`],
  ['minus zero', '{"week":-0}'],
  [
    'U+0000',
    '{"week":"\\u0000","email":"a\\u0000@example.org","password":"\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000"}',
  ],
  ['half of a surrogate pair', '{"week":"\\udfff","refresh_token":"\\ud800"}'],
  ['right-to-left marks', '{"week":"\\u202e\\u2066"}'],
  [
    'SQL',
    `{"week":"'; drop table users; --","email":"'; drop table users; --","password":"x","refresh_token":"' or true --"}`,
  ],
  ['an empty refresh token', '{"refresh_token":""}'],
];

const taking = listEndpoints().filter(({ method }) => method !== 'GET');
/** What is refused before a route is met is tried on those that are open to all, and on one that takes much. */
const isTriedWhole = (path: string) => /^\/(auth|users)\//.test(path) || path === '/api/weekly/items';
const longest = 10_000;

describe.each(taking.map(({ method, path }) => [method, path] as const))('%s %s', (method, path) => {
  test.each(bodies.filter(([, body]) => isTriedWhole(path) || body.length < longest))(
    'takes or refuses %s, and never breaks',
    async (_what, payload) => {
      const answer = await inject(it.app, {
        method,
        url: path.replaceAll(/:\w+/g, 'x'),
        headers: { 'content-type': 'application/json', ...(path === '/auth/logout' ? {} : member.headers) },
        payload,
      });
      expect(answer.statusCode, answer.body.slice(0, 500)).toBeLessThan(500);
      expect(answer.body.length).toBeLessThan(200_000);
    },
  );
});

const hostileTexts = [
  '%00',
  '%ED%A0%80',
  '%zz',
  '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  "';drop%20table%20users;--",
  'urn:uuid:0190b0a0-0000-7000-8000-000000000000',
  '%7B0190b0a0-0000-7000-8000-000000000000%7D',
  '0190B0A000007000800000000000000',
  '__proto__',
  '1e400',
  '-1',
  '99999999999999999999',
  'NaN',
  '9999-99-99',
  '%F0%9F%98%80'.repeat(20),
  'a'.repeat(3_000),
];
const withParams = listEndpoints().filter(({ path }) => path.includes(':'));
// A stream whose parameters it takes would not end.
const withQuery = listEndpoints()
  .filter(({ files }) => !files?.includes('text/event-stream'))
  .flatMap(({ method, path, query }) => {
    const { properties = {} } = (query ?? {}) as { properties?: object };
    return Object.keys(properties).map((name) => ({ method, path, name }));
  });

test.each(withParams)('$method $path takes no path that breaks it', async ({ method, path }) => {
  for (const text of hostileTexts) {
    const url = path.replaceAll(/:\w+/g, text);
    const answer = await inject(it.app, { method, url, headers: member.headers });
    expect(answer.statusCode, `${url}: ${answer.body}`).toBeLessThan(500);
  }
});

test.each(withQuery)('$method $path takes no $name that breaks it', async ({ method, path, name }) => {
  for (const text of hostileTexts) {
    const url = `${path.replaceAll(/:\w+/g, member.headers['x-organization-id'])}?${name}=${text}`;
    const answer = await inject(it.app, { method, url, headers: member.headers });
    expect(answer.statusCode, `${url}: ${answer.body}`).toBeLessThan(500);
  }
});

test('a batch of millions of wrong items is refused in a moment, without a gigabyte', async () => {
  const before = process.memoryUsage().rss;
  for (const first of ['', '"x":1,']) {
    const answer = await inject(it.app, {
      method: 'POST',
      url: '/api/weekly/items',
      headers: { 'content-type': 'application/json', ...member.headers },
      payload: `{${first}"items":[${'{},'.repeat(2_700_000)}{}]}`,
    });
    expect(answer.statusCode).toBe(400);
    expect(answer.json().details.errors).toHaveLength(1);
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(1_000_000_000);
});

test('nothing that was sent reached a prototype', () => {
  expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
});
