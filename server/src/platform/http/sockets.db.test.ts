import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTestApp, type TestApp, type TestMember } from '#testing/make-app.ts';

let it: TestApp;
let member: TestMember;
let port: number;
const open: Socket[] = [];

beforeAll(async () => {
  it = await makeTestApp();
  member = await (await it.makeOrganization()).member('owner');
  // The product's own times, a hundred times as fast, so that the tests see them end.
  const { server } = it.app;
  Object.assign(server, { headersTimeout: 150, requestTimeout: 300, connectionsCheckingInterval: 50 });
  await it.app.listen({ host: '127.0.0.1', port: 0 });
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  for (const socket of open) socket.destroy();
  await it.close();
});

/** Sends the bytes and reads until the server closes. */
function speak(...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  open.push(socket);
  socket.on('error', () => undefined);
  for (const part of parts) socket.write(part);
  return text(socket).catch(() => '');
}

const head = (line: string, ...headers: string[]) =>
  `${[`${line} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`;
const bearer = () => `Authorization: ${member.headers.authorization}`;
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4);

describe('What is no HTTP', () => {
  test.each([
    ['bytes', '\x16\x03\x01\x02\x00\x01', 400],
    ['two lengths', `${head('POST /auth/login', 'Content-Length: 2', 'Content-Length: 3')}{}`, 400],
    [
      'a length and chunks',
      `${head('POST /auth/login', 'Content-Length: 2', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
      400,
    ],
    ['a length below zero', head('POST /auth/login', 'Content-Length: -1'), 400],
    [
      'a chunk of no size',
      `${head('POST /auth/login', 'Content-Type: application/json', 'Transfer-Encoding: chunked')}zz\r\n`,
      400,
    ],
    ['a header with a line break in its name', head('GET /healthz', 'X\nY: z'), 400],
    ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
    ['an unknown method', head('BREW /healthz'), 400],
  ])('%s is refused in the shape of every error', async (_what, sent, status) => {
    const answer = await speak(sent);
    expect(statusOf(answer)).toBe(status);
  });

  test('headers past 16 KiB get 431', async () => {
    const answer = await speak(head('GET /healthz', `X-Large: ${'a'.repeat(17_000)}`));
    expect(statusOf(answer)).toBe(431);
    expect(JSON.parse(bodyOf(answer))).toMatchObject({ error: { code: 'HEADERS_TOO_LARGE' } });
  });

  test.each(['TRACE', 'PROPFIND', 'SEARCH', 'PURGE'])('%s gets 405', async (method) => {
    const answer = await speak(head(`${method} /healthz`));
    expect(statusOf(answer)).toBe(405);
    expect(answer).toMatch(/allow: GET, HEAD/i);
  });

  test('an empty Host gets 421', async () => {
    expect(statusOf(await speak('GET /healthz HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n'))).toBe(421);
  });

  test.each(['/%zz', '/%ff', '//healthz', '/api//weekly/summary', '/a b', '/\u0001', `/${'a'.repeat(15_000)}`])(
    'the path %j gets an answer of ours',
    async (path) => {
      const answer = await speak(head(`GET ${path}`));
      expect([400, 404]).toContain(statusOf(answer));
      expect(JSON.parse(bodyOf(answer)).error).toMatchObject({ code: expect.any(String), message: expect.any(String) });
    },
  );
});

describe('Repeated headers', () => {
  test('two Authorization headers are no credentials, whichever is right', async () => {
    for (const pair of [
      [bearer(), 'Authorization: Bearer x'],
      ['Authorization: Bearer x', bearer()],
      [bearer(), bearer()],
    ]) {
      expect(statusOf(await speak(head('GET /users/profile', ...pair)))).toBe(401);
    }
    expect(statusOf(await speak(head('GET /users/profile', bearer())))).toBe(200);
  });

  test('two Host headers are refused', async () => {
    expect([400, 421]).toContain(statusOf(await speak(head('GET /healthz', 'Host: evil.example'))));
  });

  test('two organizations named are none', async () => {
    const { 'x-organization-id': id } = member.headers;
    const named = [`X-Organization-Id: ${id}`, `X-Organization-Id: ${id}`];
    expect(statusOf(await speak(head('GET /users/profile', bearer(), ...named)))).toBe(404);
  });
});

describe('Requests that never end', () => {
  test('headers that trickle are ended', async () => {
    const answer = await speak('GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n');
    expect(statusOf(answer)).toBe(408);
    expect(JSON.parse(bodyOf(answer))).toMatchObject({ error: { code: 'REQUEST_TIMEOUT' } });
  });

  test('chunks without an end are ended', async () => {
    const type = 'Content-Type: application/json';
    const answer = await speak(
      head('POST /api/weekly/items', bearer(), type, 'Transfer-Encoding: chunked'),
      '2\r\n{"\r\n',
    );
    expect(statusOf(answer)).toBe(408);
  });

  test('a body that breaks off leaves the server at work', async () => {
    const socket = connect(port, '127.0.0.1');
    socket.write(
      `${head('POST /api/weekly/items', bearer(), 'Content-Type: application/json', 'Content-Length: 100')}{"items"`,
    );
    socket.end();
    await text(socket).catch(() => '');
    expect(statusOf(await speak(head('GET /healthz')))).toBe(200);
  });

  test('a body that is not read is refused at its first bytes', async () => {
    const refused = [
      head('POST /api/weekly/refresh', bearer(), 'Content-Type: text/plain', 'Transfer-Encoding: chunked'),
      '1\r\na\r\n',
    ];
    const startedAt = performance.now();
    expect(statusOf(await speak(...refused))).toBe(415);
    expect(performance.now() - startedAt).toBeLessThan(140);
  });

  test('HEAD of a stream is refused, since it would never end', async () => {
    expect(statusOf(await speak(head('HEAD /api/feed/stream', bearer())))).toBe(405);
  });
});
