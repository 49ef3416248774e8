import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { io, type Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp, type TestMember } from '#testing/make-app.ts';
import { next } from '#testing/socket-scene.ts';

let it: TestApp;
let member: TestMember;
const clients: Socket[] = [];
const addressPerMinute = 12;
beforeAll(async () => {
  it = await makeTestApp({ config: { TRUST_PROXY: true }, limits: { perMinute: () => 1_000, addressPerMinute } });
  await Promise.resolve(it.app.listen({ host: '127.0.0.1', port: 0 }));
  member = await (await it.makeOrganization()).member('member');
});
afterEach(() => {
  vi.restoreAllMocks();
  for (const client of clients.splice(0)) client.disconnect();
});
afterAll(() => it.close());

function open(auth: Record<string, string>, address: string): Socket {
  const { port } = it.app.server.address() as AddressInfo;
  const extraHeaders = { 'x-forwarded-for': address };
  const transports = ['websocket'];
  const client = io(`http://127.0.0.1:${port}`, {
    auth,
    extraHeaders,
    transports,
    forceNew: true,
    reconnection: false,
  });
  clients.push(client);
  return client;
}

async function connect(auth: Record<string, string>, address: string): Promise<Socket> {
  const client = open(auth, address);
  await next(client, 'connect');
  return client;
}

async function refusal(auth: Record<string, string>, address: string): Promise<string | undefined> {
  const { data } = await next<Error & { data?: { code: string } }>(open(auth, address), 'connect_error');
  return data?.code;
}

async function makeKey(): Promise<{ id: string; key: string }> {
  const body = { name: 'A key', scopes: ['feed:read'] };
  const answer = await inject(it.app, { method: 'POST', url: '/auth/api-keys', headers: member.headers, body });
  return answer.json<{ id: string; key: string }>();
}

const wrongKey = () => ({ apiKey: `alm_${randomBytes(4).toString('hex')}_${randomBytes(32).toString('base64url')}` });
const numbers = Array.from({ length: addressPerMinute }, (_, number) => number);

describe('Handshakes with wrong credentials', () => {
  test('use their address up: further ones cost no look-up, and whoever is known is let in', async () => {
    const address = '203.0.113.7';
    await connect({ token: member.token }, address);
    const lookUp = vi.spyOn(it.features.identity.authenticator, 'authenticate');
    for (const _ of numbers) expect(await refusal(wrongKey(), address)).toBe('INVALID_TOKEN');
    expect(lookUp).toHaveBeenCalledTimes(addressPerMinute);
    for (const _ of numbers) expect(await refusal(wrongKey(), address)).toBe('RATE_LIMITED');
    expect(lookUp).toHaveBeenCalledTimes(addressPerMinute);
    await connect({ token: member.token }, address);
    expect(await refusal(wrongKey(), '203.0.113.8')).toBe('INVALID_TOKEN');
  });

  test('take from the same allowance as requests, of the whole network', async () => {
    for (const number of numbers) expect(await refusal(wrongKey(), `2001:db8::${number}`)).toBe('INVALID_TOKEN');
    const headers = { 'x-api-key': wrongKey().apiKey, 'x-forwarded-for': '2001:db8::ffff' };
    expect((await inject(it.app, { url: '/users/profile', headers })).statusCode).toBe(429);
  });
});

test('a socket ends with its own key, and that of another key of the same user goes on', async () => {
  const [kept, ended] = [await makeKey(), await makeKey()];
  const address = '203.0.113.9';
  const [keptClient, endedClient] = [
    await connect({ apiKey: kept.key }, address),
    await connect({ apiKey: ended.key }, address),
  ];
  const told = next(endedClient, 'session_ended');
  const url = `/auth/api-keys/${ended.id}`;
  expect((await inject(it.app, { method: 'DELETE', url, headers: member.headers })).statusCode).toBe(204);
  await it.realtime.sessions.endRevoked();
  expect(await told).toEqual({ reason: 'The session or membership has ended.' });
  expect(await keptClient.emitWithAck('feed_subscribe', {})).toMatchObject({ success: true });
});
