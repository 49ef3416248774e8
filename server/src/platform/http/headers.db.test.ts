import type { LightMyRequestResponse } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp, type TestMember } from '#testing/make-app.ts';

let it: TestApp;
let member: TestMember;
beforeAll(async () => {
  it = await makeTestApp({ config: { CORS_ORIGINS: ['https://app.example'] } });
  member = await (await it.makeOrganization()).member('owner');
});
afterAll(() => it.close());

const get = async (url: string, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> =>
  inject(it.app, { url, headers: { ...member.headers, ...headers } });

describe('Security headers', () => {
  test.each([
    '/api/weekly/summary',
    '/api/weekly/export',
    '/api/weekly/summary?week=x',
    '/users/profile',
    '/nothing',
    '/%zz',
    '/',
    '/assets/app.js',
    '/docs',
    '/openapi.json',
    '/healthz',
    '/metrics',
  ])('stand on the answer of %s', async (url) => {
    const { headers } = await get(url);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['content-security-policy']).toMatch(/default-src '(self|none)'/);
    expect(headers['x-powered-by']).toBeUndefined();
  });

  test('let no page frame the application, and let it load only what this server serves', async () => {
    const policy = String((await get('/')).headers['content-security-policy']);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
  });

  test('let the page at /docs work, under a policy of its own', async () => {
    const page = await get('/docs/');
    expect(page.statusCode).toBe(200);
    const policy = String(page.headers['content-security-policy']);
    const scripts = [...page.body.matchAll(/<script([^>]*)>([^<]*)</g)];
    expect(scripts.length).toBeGreaterThan(0);
    expect(policy).toMatch(/default-src 'self'/);
    expect(policy).not.toMatch(/script-src[^;]*'unsafe|upgrade-insecure-requests/);
    for (const [, attributes, inline] of scripts) {
      expect(inline?.trim()).toBe('');
      const source = /src="([^"]+)"/.exec(attributes ?? '')?.[1] ?? '';
      expect((await get(new URL(source, 'http://localhost/docs/').pathname)).statusCode).toBe(200);
    }
  });
});

describe('The Host header', () => {
  test.each(['localhost:5000', '127.0.0.1', '[::1]:5000', 'almanac.localhost', 'LOCALHOST'])(
    'may be %s',
    async (host) => {
      expect((await get('/healthz', { host })).statusCode).toBe(200);
    },
  );

  test.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.1@evil.example',
    'a, localhost',
  ])("may not be '%s' on a server bound to loopback", async (host) => {
    const answer = await get('/api/weekly/summary', { host });
    expect([answer.statusCode, answer.json().code]).toEqual([421, 'HOST_NOT_ALLOWED']);
    const preflight = await inject(it.app, {
      method: 'OPTIONS',
      url: '/',
      headers: { host, origin: 'https://app.example' },
    });
    expect(preflight.statusCode).toBe(421);
  });
});

describe('Browsers on other origins', () => {
  const preflight = async (
    origin: string,
    wanted = 'x-organization-id, idempotency-key, authorization, if-none-match',
  ) =>
    await inject(it.app, {
      method: 'OPTIONS',
      url: '/api/weekly/items',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': wanted },
    });

  test.each(['https://app.example', 'http://localhost:3000', 'http://127.0.0.1:5173', 'http://[::1]:4000'])(
    'may call from %s, with credentials and the headers that calls carry',
    async (origin) => {
      const { statusCode, headers } = await preflight(origin);
      expect(statusCode).toBeLessThan(300);
      expect(headers).toMatchObject({
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
        'access-control-allow-headers': expect.stringContaining('idempotency-key'),
        'access-control-allow-methods': expect.stringContaining('DELETE'),
        'x-content-type-options': 'nosniff',
        vary: expect.stringContaining('Origin'),
      });
      const answer = await get('/api/weekly/summary', { origin });
      expect(answer.headers['access-control-allow-origin']).toBe(origin);
      expect(answer.headers['access-control-expose-headers']).toContain('Retry-After');
      const refused = await inject(it.app, { url: '/users/profile', headers: { origin } });
      expect([refused.statusCode, refused.headers['access-control-allow-origin']]).toEqual([401, origin]);
    },
  );

  test.each([
    'https://evil.example',
    'null',
    'https://app.example.evil.example',
    'http://app.example',
    'https://app.example:8443',
  ])('may not call from %s', async (origin) => {
    const answers = [await preflight(origin), await get('/api/weekly/summary', { origin })];
    for (const { headers } of answers) expect(headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('A change that a cookie bears', () => {
  const refresh = async (headers: Record<string, string>) =>
    (await inject(it.app, { method: 'POST', url: '/api/weekly/refresh', headers })).statusCode;

  test('is taken from an allowed origin alone', async () => {
    const cookie = `access_token=${member.token}`;
    expect(await refresh({ cookie })).toBe(403);
    expect(await refresh({ cookie, origin: 'https://evil.example' })).toBe(403);
    expect(await refresh({ cookie, origin: 'null' })).toBe(403);
    expect(await refresh({ cookie, origin: 'https://app.example' })).toBe(200);
    expect(await refresh({ cookie, origin: 'http://localhost:80' })).toBe(200);
  });

  test('holds for the exchange of the refresh token too', async () => {
    const headers = { cookie: 'refresh_token=x', origin: 'https://evil.example' };
    const answer = await inject(it.app, { method: 'POST', url: '/auth/refresh', headers });
    expect([answer.statusCode, answer.json().error.code]).toEqual([403, 'ORIGIN_NOT_ALLOWED']);
  });

  test('is no matter where a bearer token comes with it, nor for reading', async () => {
    const foreign = { origin: 'https://evil.example', cookie: `access_token=${member.token}` };
    expect(await refresh({ ...foreign, ...member.headers })).toBe(200);
    expect((await inject(it.app, { url: '/users/profile', headers: foreign })).statusCode).toBe(200);
  });
});

describe('Reading again', () => {
  test('answers 304 to the tag of the last answer, in any of its forms', async () => {
    const first = await get('/api/weekly/summary');
    const etag = String(first.headers.etag);
    expect(etag).toMatch(/^W\/"/);
    expect(first.headers['cache-control']).toBe('private, no-cache');
    for (const known of [etag, etag.slice(2), `"other", ${etag}`, '*']) {
      const again = await get('/api/weekly/summary', { 'if-none-match': known });
      expect([again.statusCode, again.body, again.headers.etag]).toEqual([304, '', etag]);
    }
    expect((await get('/api/weekly/summary', { 'if-none-match': '"other"' })).statusCode).toBe(200);
  });

  test('keeps errors out of every cache', async () => {
    expect((await get('/nothing')).headers['cache-control']).toBe('no-store');
  });

  test.each(['/api/weekly/summary', '/api/weekly/activity', '/api/weekly/export', '/api/feed', '/', '/healthz'])(
    'HEAD %s answers as GET does, without the body',
    async (url) => {
      const read = await get(url);
      const head = await inject(it.app, { method: 'HEAD', url, headers: member.headers });
      expect([head.statusCode, head.body]).toEqual([200, '']);
      expect(head.headers['content-type']).toBe(read.headers['content-type']);
    },
  );
});

describe('Too many calls', () => {
  test('are told when to go on', async () => {
    const limited = await makeTestApp({ limits: { perMinute: () => 1_000, addressPerMinute: 3 } });
    const ask = (headers = {}) => inject(limited.app, { url: '/healthz', headers });
    for (let calls = 0; calls < 3; calls += 1) await ask();
    const answer = await ask({ 'x-forwarded-for': '203.0.113.9' });
    expect([answer.statusCode, answer.json().error.code]).toEqual([429, 'RATE_LIMITED']);
    expect(answer.headers).toMatchObject({
      'retry-after': '20',
      'ratelimit-limit': '3',
      'ratelimit-remaining': '0',
      'ratelimit-reset': '60',
    });
    limited.clock.now = new Date(limited.clock.now.getTime() + 20_000);
    expect((await ask()).statusCode).toBe(200);
    await limited.close();
  });

  test('with wrong credentials are refused without looking further, and whoever is known goes on', async () => {
    const limited = await makeTestApp({ limits: { perMinute: () => 1_000, addressPerMinute: 20 } });
    const { headers } = await (await limited.makeOrganization()).member('viewer');
    const ask = async (sent: Record<string, string>) =>
      (await inject(limited.app, { url: '/users/profile', headers: sent })).statusCode;
    expect(await ask(headers)).toBe(200);
    const statuses: number[] = [];
    for (let tries = 0; tries < 25; tries += 1) statuses.push(await ask({ 'x-api-key': `alm_${tries}` }));
    expect([statuses[0], statuses.at(-1)]).toEqual([401, 429]);
    expect(await ask(headers)).toBe(200);
    await limited.close();
  });
});

describe('Behind a proxy', () => {
  test('X-Forwarded-For counts where the proxy is trusted, and opens /metrics to nobody', async () => {
    const proxied = await makeTestApp({
      config: { TRUST_PROXY: true },
      limits: { perMinute: () => 9, addressPerMinute: 2 },
    });
    const ask = async (url: string, address: string) =>
      (await inject(proxied.app, { url, headers: { 'x-forwarded-for': address } })).statusCode;
    expect(await ask('/healthz', '203.0.113.1')).toBe(200);
    expect(await ask('/healthz', '203.0.113.1')).toBe(200);
    expect(await ask('/healthz', '203.0.113.1')).toBe(429);
    expect(await ask('/healthz', '203.0.113.2')).toBe(200);
    expect(await ask('/metrics', '127.0.0.1')).toBe(401);
    await proxied.close();
  });

  test('/metrics takes its token and no other', async () => {
    const guarded = await makeTestApp({ config: { METRICS_TOKEN: 'the-token' } });
    const ask = async (headers: Record<string, string>) =>
      (await inject(guarded.app, { url: '/metrics', headers })).statusCode;
    expect(await ask({})).toBe(401);
    expect(await ask({ authorization: 'Bearer the-tokem' })).toBe(401);
    expect(await ask({ authorization: 'Bearer the-token' })).toBe(200);
    await guarded.close();
  });
});
