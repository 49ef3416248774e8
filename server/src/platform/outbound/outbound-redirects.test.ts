import { afterEach, describe, expect, it } from 'vitest';
import { createTestPeers, kindOf } from './test-peers.ts';

const { startServer, startClient, startPair, close } = createTestPeers();

afterEach(close);

describe('redirects', () => {
  it('are followed, a POST with 303 as a GET', async () => {
    const { server, get } = await startPair((request, response) => {
      if (request.url === '/old') response.writeHead(303, { location: 'new' }).end();
      else response.end(`${request.method} ${request.url} ${request.headers['content-type']}`);
    });
    const headers = { 'Content-Type': 'application/json' };
    const answer = await get(`${server.origin}/old`, { method: 'POST', body: '{}', headers });
    expect(answer.text()).toBe('GET /new undefined');
    expect(answer.url).toBe(`${server.origin}/new`);
  });

  it('to a private address are refused', async () => {
    const inner = await startServer((_request, response) => response.end('inside'));
    const { server, get } = await startPair((_request, response) => {
      response.writeHead(302, { location: `${inner.origin}/secret` }).end();
    });
    expect(await kindOf(get(server.origin))).toBe('blocked_address');
    expect(inner.requests).toHaveLength(0);
  });

  it.each(['file:///etc/passwd', 'http://a:b@example.com/', 'http://%%/'])('to %s are refused', async (location) => {
    const { server, get } = await startPair((_request, response) => response.writeHead(302, { location }).end());
    expect(await kindOf(get(server.origin))).toBe('bad_url');
  });

  it('in a loop end after five', async () => {
    const { server, get } = await startPair((_request, response) => response.writeHead(302, { location: '/' }).end());
    expect(await kindOf(get(server.origin))).toBe('malformed_reply');
    expect(server.requests).toHaveLength(6);
  });

  it('drop credentials across origins and keep them within one', async () => {
    const other = await startServer((_request, response) => response.end());
    const server = await startServer((request, response) => {
      const location = request.url === '/' ? '/again' : other.origin;
      response.writeHead(307, { location }).end();
    });
    const { get } = startClient({ allow: [server.pair, other.pair] });
    const headers = { Authorization: 'Bearer a', cookie: 'b=c', 'X-Api-Key': 'd', 'x-mine': 'e', accept: 'text/html' };
    await get(server.origin, { headers, secretHeaders: ['X-Mine'] });
    expect(server.requests[1]?.headers).toMatchObject({ authorization: 'Bearer a', 'x-mine': 'e' });
    const arrived = Object.keys(other.requests[0]?.headers ?? {});
    expect(arrived).toContain('accept');
    for (const name of ['authorization', 'cookie', 'x-api-key', 'x-mine']) expect(arrived).not.toContain(name);
  });

  it('that would carry a body to another origin are left to the caller', async () => {
    const other = await startServer((_request, response) => response.end());
    const { server, get } = await startPair((_request, response) => {
      response.writeHead(307, { location: other.origin }).end();
    });
    expect((await get(server.origin, { method: 'POST', body: 'client_secret=s' })).status).toBe(307);
    expect(other.requests).toHaveLength(0);
  });
});
