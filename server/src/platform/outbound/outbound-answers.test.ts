import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { createTestPeers, kindOf, problemOf } from './test-peers.ts';

const { startPair, close } = createTestPeers();

afterEach(close);

describe('an answer', () => {
  it('is returned with status, headers, bytes, text and JSON', async () => {
    const { server, get, calls } = await startPair((_request, response) => {
      response.setHeader('X-Kind', ['a', 'b']);
      response.end('{"n":1}');
    });
    const answer = await get(`${server.origin}/things?page=2#part`);
    expect(answer.status).toBe(200);
    expect(answer.headers['x-kind']).toBe('a, b');
    expect(answer.json()).toEqual({ n: 1 });
    expect(Buffer.from(answer.bytes).toString()).toBe('{"n":1}');
    expect(answer.url).toBe(`${server.origin}/things?page=2`);
    expect(server.requests[0]?.url).toBe('/things?page=2');
    expect(calls).toEqual([{ service: 'test', outcome: '2xx', seconds: expect.any(Number) }]);
  });

  it('is returned, not thrown, when its status is an error that repeating will not change', async () => {
    const { server, get } = await startPair((_request, response) => response.writeHead(404).end('gone'));
    const answer = await get(server.origin);
    expect([answer.status, answer.text(), server.requests.length]).toEqual([404, 'gone', 1]);
  });

  it('that is not JSON fails as malformed_reply without quoting the body', async () => {
    const { server, get } = await startPair((_request, response) => response.end('<html>secret</html>'));
    const answer = await get(server.origin);
    const problem = await problemOf(Promise.try(() => answer.json()));
    expect(problem.kind).toBe('malformed_reply');
    expect(`${problem.message} ${problem.cause}`).not.toContain('secret');
  });

  it('is decoded in the character set it declares', async () => {
    const { server, get } = await startPair((_request, response) => {
      response.setHeader('content-type', 'text/plain; charset=iso-8859-1');
      response.end(Buffer.from([0xe9]));
    });
    expect((await get(server.origin)).text()).toBe('é');
  });

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('compressed with %s is decompressed', async (encoding, compress) => {
    const { server, get } = await startPair((_request, response) => {
      response.setHeader('content-encoding', encoding).end(compress('{"ok":true}'));
    });
    expect((await get(server.origin)).json()).toEqual({ ok: true });
  });

  it('to a HEAD request may name an encoding and a length, and has no body', async () => {
    const { server, get } = await startPair((_request, response) => {
      response.setHeader('content-encoding', 'gzip').setHeader('content-length', '99999999').end();
    });
    const answer = await get(server.origin, { method: 'HEAD' });
    expect([answer.status, answer.bytes.byteLength]).toEqual([200, 0]);
  });
});

describe('a broken reply', () => {
  it.each([
    ['a false gzip body', { 'content-encoding': 'gzip' }],
    ['an encoding nobody offered', { 'content-encoding': 'compress' }],
  ])('with %s is malformed', async (_name, headers) => {
    const { server, get } = await startPair((_request, response) => response.writeHead(200, headers).end('plain'));
    expect(await kindOf(get(server.origin))).toBe('malformed_reply');
  });

  it('that is not HTTP is malformed', async () => {
    const { server, get } = await startPair((request) => request.socket.end('SSH-2.0-OpenSSH\r\n\r\n'));
    expect(await kindOf(get(server.origin))).toBe('malformed_reply');
  });
});

describe('the request', () => {
  it('keeps framing and Host out of the hands of whoever writes its headers', async () => {
    const { server, get } = await startPair((request, response) => response.end(request.headers.host));
    const headers = { Host: 'inner.example', 'Transfer-Encoding': 'chunked', 'content-length': '3' };
    expect((await get(server.origin, { headers })).text()).toBe(server.pair);
  });

  it('with a line break in a header is refused', async () => {
    const { server, get } = await startPair((_request, response) => response.end());
    expect(await kindOf(get(server.origin, { headers: { 'x-a': 'b\r\nx-c: d' } }))).toBe('bad_url');
    expect(server.requests).toHaveLength(0);
  });

  it('leaves no secret in the log: neither headers, nor query, nor a secret path', async () => {
    const { server, get, lines } = await startPair((_request, response) => response.end());
    const headers = { authorization: 'Bearer hidden-1', 'x-mine': 'hidden-2', accept: 'text/plain' };
    await get(`${server.origin}/shown?key=hidden-3`, { headers, secretHeaders: ['X-MINE'] });
    await get(`${server.origin}/hidden-4`, { isPathSecret: true });
    await kindOf(get(`${server.origin}/hidden-5?k=hidden-6`, { isPathSecret: true, signal: AbortSignal.abort() }));
    expect(lines).toHaveLength(3);
    expect(lines.join('')).not.toMatch(/hidden-\d/);
    expect(lines.join('')).toMatch(/\/shown".*text\/plain/);
  });
});
