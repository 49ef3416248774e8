import { afterEach, describe, expect, it } from 'vitest';
import { OutboundProblem } from './outbound-problem.ts';
import { createTestPeers, kindOf, problemOf } from './test-peers.ts';

const { startServer, startClient, close } = createTestPeers();

afterEach(close);

describe('the guard', () => {
  it.each([
    'http://127.0.0.1',
    'http://0x7f.1',
    'http://0177.0.0.1',
    'http://2130706433',
    'http://0',
    'http://[::1]',
    'http://[::ffff:127.0.0.1]',
    'http://[64:ff9b::7f00:1]',
    'http://localhost',
  ])('refuses the server itself as %s', async (address) => {
    const server = await startServer((_request, response) => response.end());
    const { get, calls } = startClient();
    expect(await kindOf(get(`${address}:${server.port}/`))).toBe('blocked_address');
    expect(server.requests).toHaveLength(0);
    expect(calls.map((call) => call.outcome)).toEqual(['blocked_address']);
  });

  it('refuses a name of which any address is private, and keeps that address from the caller', async () => {
    const resolveHost = () =>
      Promise.resolve([
        { address: '93.184.215.14', family: 4 },
        { address: '10.1.2.3', family: 4 },
      ]);
    const { get, lines } = startClient({ resolveHost });
    const problem = await problemOf(get('https://inner.example/'));
    expect(problem.kind).toBe('blocked_address');
    expect(problem.message).toContain('inner.example');
    expect(problem.message).not.toContain('10.1.2.3');
    expect(lines.join('')).toContain('10.1.2.3');
  });

  it('connects to the very addresses it judged: a name that changes between two look-ups gains nothing', async () => {
    const server = await startServer((_request, response) => response.end('inside'));
    const answers = ['127.0.0.1', '93.184.215.14'];
    let lookups = 0;
    const resolveHost = () => {
      lookups += 1;
      return Promise.resolve([{ address: answers.shift() ?? '127.0.0.1', family: 4 }]);
    };
    const { get } = startClient({ resolveHost });
    expect(await kindOf(get(`http://rebind.example:${server.port}/`))).toBe('blocked_address');
    expect([lookups, server.requests.length]).toEqual([1, 0]);
  });

  it('lets through what the operator allowed, by name and port together', async () => {
    const server = await startServer((_request, response) => response.end('inside'));
    const other = await startServer((_request, response) => response.end('other'));
    const resolveHost = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
    const { get } = startClient({ allow: [`Inner.example:${server.port}`], resolveHost });
    expect((await get(`http://inner.example:${server.port}/`)).text()).toBe('inside');
    expect(await kindOf(get(`http://inner.example:${other.port}/`))).toBe('blocked_address');
    expect(await kindOf(get(`http://other.example:${server.port}/`))).toBe('blocked_address');
  });

  it('exempts the origins of base URLs', async () => {
    const server = await startServer((_request, response) => response.end('inside'));
    const { get } = startClient({ exemptOrigins: [`${server.origin}/api/v3`] });
    expect((await get(server.origin)).text()).toBe('inside');
  });

  it.each(['127.0.0.1', 'host', 'http://host:80', 'host:80/path', 'user@host:80'])(
    'does not start with %s in the allow list',
    (pair) => {
      expect(() => startClient({ allow: [pair] })).toThrow(OutboundProblem);
    },
  );

  it.each(['ftp://example.com/', 'file:///etc/passwd', 'http://me:pw@example.com/', '/path', 'http://'])(
    'refuses the URL %s',
    async (url) => {
      expect(await kindOf(startClient().get(url))).toBe('bad_url');
    },
  );

  it('tells an unreachable host from a blocked one', async () => {
    const server = await startServer(() => undefined);
    await server.stop();
    const { get } = startClient({ allow: [server.pair] });
    expect(await kindOf(get(server.origin))).toBe('unreachable');
  });
});
