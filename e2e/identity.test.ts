import { randomUUID } from 'node:crypto';
import { createClient } from '@almanac/client';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Mailbox, openMailbox } from './support/open-mailbox.ts';
import { openSocket } from './support/open-socket.ts';
import { redisUrl, sharedSecrets, useScene } from './support/scene.ts';
import { type Person, signUp } from './support/sign-up.ts';
import type { StartedServer } from './support/start-server.ts';
import { waitUntil } from './support/wait-until.ts';

const scene = useScene();
const endMs = 5_000;
let mailbox: Mailbox;
let first: StartedServer;
let second: StartedServer;
let person: Person;

beforeAll(async () => {
  mailbox = await openMailbox();
  scene.closeLater(() => mailbox.close());
  const database = await scene.makeDatabase();
  const env = {
    ...sharedSecrets(),
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl,
    SMTP_URL: mailbox.url,
    PUBLIC_URL: 'https://almanac.example',
  };
  [first, second] = await Promise.all([scene.startServer(env), scene.startServer(env)]);
  person = await signUp(first.url);
});

const profile = async (server: StartedServer, headers: Record<string, string>) =>
  (await fetch(`${server.url}/users/profile`, { headers })).status;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Milliseconds until the socket is told that it is over, from now on. */
async function openWatched(token: string) {
  const listener = await openSocket(second.url, { token });
  scene.closeLater(() => listener.close());
  const ended = new Promise<void>((resolve) => listener.socket.once('disconnect', () => resolve()));
  return {
    endsInTime: async () => {
      const startedAt = performance.now();
      await ended;
      expect(performance.now() - startedAt).toBeLessThan(endMs);
    },
  };
}

/** Waits until the other process refuses, which it must within five seconds. */
async function refusesInTime(headers: Record<string, string>, status = 401) {
  const startedAt = performance.now();
  await waitUntil(`the other process answers ${status}`, async () => (await profile(second, headers)) === status);
  expect(performance.now() - startedAt).toBeLessThan(endMs);
}

describe('what ends on one process, ends on the other within five seconds', () => {
  test('a session, on requests and on sockets', async () => {
    const session = await createClient({ baseUrl: first.url }).identity.login({
      body: { email: person.email, password: person.password },
    });
    expect(await profile(second, bearer(session.access_token))).toBe(200);
    const socket = await openWatched(session.access_token);
    await createClient({ baseUrl: first.url, token: session.access_token }).identity.logout();
    await Promise.all([refusesInTime(bearer(session.access_token)), socket.endsInTime()]);
  });

  test('an API key', async () => {
    const client = person.on(first.url);
    const { id, key } = await client.apiKeys.create({ body: { name: 'ci', scopes: ['profile:read'] } });
    const headers = { 'x-api-key': key };
    expect(await profile(second, headers)).toBe(200);
    await client.apiKeys.delete({ params: { id } });
    await refusesInTime(headers);
  });

  test('a membership', async () => {
    const [organization] = await person.on(first.url).organizations.list();
    const id = organization?.id ?? '';
    const member = await signUp(first.url);
    await person.on(first.url).members.invite({ params: { id }, body: { email: member.email, role: 'viewer' } });
    const token = await mailbox.find(member.email, /#accept-invitation=([\w-]{43})/);
    await member.on(second.url).members.acceptInvitation({ body: { token } });
    const headers = { ...bearer(member.token), 'x-organization-id': id };
    expect(await profile(second, headers)).toBe(200);
    const { sub } = JSON.parse(Buffer.from(member.token.split('.')[1] ?? '', 'base64url').toString()) as {
      sub: string;
    };
    await person.on(first.url).members.remove({ params: { id, user_id: sub } });
    await refusesInTime(headers, 404);
  });
});

test('refresh tokens presented to both processes at once leave one live chain', async () => {
  const session = await createClient({ baseUrl: first.url }).identity.login({
    body: { email: person.email, password: person.password },
  });
  const exchange = (server: StartedServer) =>
    createClient({ baseUrl: server.url }).identity.refresh({ body: { refresh_token: session.refresh_token } });
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => exchange(index % 2 ? first : second)));
  expect(new Set(answers.map(({ refresh_token }) => refresh_token)).size).toBe(1);
  const client = createClient({ baseUrl: second.url, token: answers[0]?.access_token });
  expect((await client.identity.listSessions()).filter(({ is_current }) => is_current)).toHaveLength(1);
});

test('a password reset travels by mail, and the mailed link comes from PUBLIC_URL whatever the Host says', async () => {
  const someone = await signUp(second.url);
  await fetch(`${first.url}/auth/reset-password`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-host': 'evil.example' },
    body: JSON.stringify({ email: someone.email }),
  });
  const token = await mailbox.find(someone.email, /https:\/\/almanac\.example\/#reset-password=([\w-]{43})/);
  const password = `${randomUUID()} of another kind`;
  await createClient({ baseUrl: second.url }).identity.resetPassword({ body: { token, password } });
  await refusesInTime(bearer(someone.token));
  const again = await createClient({ baseUrl: first.url }).identity.login({ body: { email: someone.email, password } });
  expect(await profile(second, bearer(again.access_token))).toBe(200);
});

test('a forged X-Forwarded-For moves no limit', async () => {
  const attempt = async (index: number) => {
    const answer = await fetch(`${first.url}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': `203.0.113.${index}` },
      body: JSON.stringify({ email: person.email, password: 'wrong password' }),
    });
    return answer.status;
  };
  const statuses: number[] = [];
  for (let index = 0; index < 7; index += 1) statuses.push(await attempt(index));
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
});
