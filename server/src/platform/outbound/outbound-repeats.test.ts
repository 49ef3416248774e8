import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestPeers, kindOf } from './test-peers.ts';

const { startPair, close } = createTestPeers();

afterEach(async () => {
  vi.useRealTimers();
  await close();
});

describe('repeating', () => {
  it('overcomes cut connections and server faults', async () => {
    const { server, get, time } = await startPair((request, response) => {
      if (server.requests.length === 1) request.socket.destroy();
      else response.writeHead(server.requests.length === 2 ? 502 : 200).end('done');
    });
    expect((await get(server.origin)).text()).toBe('done');
    expect(time.delays).toHaveLength(2);
  });

  it('ends after two, with the last answer or problem', async () => {
    const { server, get } = await startPair((request, response) => {
      if (request.url === '/cut')
        response.writeHead(200, { 'content-length': '10' }).write('five!', () => request.socket.destroy());
      else response.writeHead(500).end();
    });
    expect((await get(`${server.origin}/fault`)).status).toBe(500);
    expect(server.requests).toHaveLength(3);
    expect(await kindOf(get(`${server.origin}/cut`, { retries: 1 }))).toBe('unreachable');
    expect(server.requests).toHaveLength(5);
  });

  it('leaves a POST alone unless the caller says it is safe', async () => {
    const { server, get } = await startPair((_request, response) => response.writeHead(503).end());
    expect((await get(server.origin, { method: 'POST', body: '{}' })).status).toBe(503);
    expect(server.requests).toHaveLength(1);
    await get(server.origin, { method: 'POST', body: '{}', isSafeToRepeat: true, service: 'other' });
    expect(server.requests).toHaveLength(4);
  });

  it('waits for a Retry-After in seconds, for a POST too where the answer is 429', async () => {
    const { server, get, time } = await startPair((_request, response) => {
      if (server.requests.length === 1) response.writeHead(429, { 'retry-after': '7' }).end();
      else response.end('now');
    });
    expect((await get(server.origin, { method: 'POST', body: 'x' })).text()).toBe('now');
    expect(time.delays).toEqual([7000]);
  });

  it('waits for a Retry-After given as an HTTP date', async () => {
    const { server, get, time } = await startPair((_request, response) => {
      if (server.requests.length > 1) response.end('now');
      else response.writeHead(503, { 'retry-after': 'Mon, 02 Mar 2026 10:00:05 GMT' }).end();
    });
    expect((await get(server.origin)).text()).toBe('now');
    expect(time.delays).toEqual([5000]);
  });

  it('waits for a Retry-After only once', async () => {
    const { server, get } = await startPair((_request, response) =>
      response.writeHead(429, { 'retry-after': '1' }).end(),
    );
    expect((await get(server.origin)).status).toBe(429);
    expect(server.requests).toHaveLength(2);
  });

  it('returns at once when Retry-After is beyond the time left', async () => {
    const { server, get, time } = await startPair((_request, response) => {
      response.writeHead(503, { 'retry-after': '60' }).end();
    });
    expect((await get(server.origin)).status).toBe(503);
    expect([server.requests.length, time.delays.length]).toEqual([1, 0]);
  });
});

describe('the circuit', () => {
  beforeEach(() => {
    // The breaker reads Date itself; only that is faked, so that the network stays real.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-03-02T10:00:00Z') });
  });

  it('opens after five failures in a row, for its service and origin alone, and closes after a good trial', async () => {
    let status = 500;
    const { server, get, lines } = await startPair((_request, response) => response.writeHead(status).end());
    for (let failures = 0; failures < 5; failures += 1) await get(server.origin, { retries: 0 });
    expect(await kindOf(get(server.origin))).toBe('circuit_open');
    expect(server.requests).toHaveLength(5);
    expect(lines.join('')).toContain('outbound circuit opened');
    expect((await get(server.origin, { service: 'other', retries: 0 })).status).toBe(500);

    status = 200;
    vi.setSystemTime(Date.now() + 30_001);
    expect((await get(server.origin)).status).toBe(200);
    expect((await get(server.origin)).status).toBe(200);
  });

  it('opens again when the trial fails', async () => {
    const { server, get } = await startPair((request) => request.socket.destroy());
    for (let failures = 0; failures < 5; failures += 1) await kindOf(get(server.origin, { retries: 0 }));
    vi.setSystemTime(Date.now() + 30_001);
    expect(await kindOf(get(server.origin))).toBe('unreachable');
    expect(await kindOf(get(server.origin))).toBe('circuit_open');
    expect(server.requests).toHaveLength(6);
  });

  it('is not opened by answers below 500, nor by what the caller did', async () => {
    const { server, get } = await startPair((_request, response) => response.writeHead(403).end('too long'));
    for (let calls = 0; calls < 6; calls += 1) await kindOf(get(server.origin, { maxBytes: 2 }));
    expect((await get(server.origin)).status).toBe(403);
  });
});
