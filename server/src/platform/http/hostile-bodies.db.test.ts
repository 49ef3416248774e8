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

describe.each(taking.map(({ method, path }) => [method, path] as const))('%s %s', (method, path) => {
  test.each(bodies)('takes or refuses %s, and never breaks', async (_what, payload) => {
    const answer = await inject(it.app, {
      method,
      url: path.replaceAll(/:\w+/g, 'x'),
      headers: { 'content-type': 'application/json', ...(path === '/auth/logout' ? {} : member.headers) },
      payload,
    });
    expect(answer.statusCode, answer.body.slice(0, 500)).toBeLessThan(500);
    expect(answer.body.length).toBeLessThan(200_000);
  });
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
