import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';

interface Session {
  user: { id: string };
  access_token: string;
  refresh_token: string;
}

let it: TestApp;
let session: Session;
beforeAll(async () => {
  it = await makeTestApp();
});
beforeEach(async () => {
  const body = { email: `${newId()}@example.org`, password: 'correct horse battery' };
  session = (await inject(it.app, { method: 'POST', url: '/auth/register', body })).json();
});
afterAll(() => it.close());

const refresh = (refresh_token: string) =>
  inject(it.app, { method: 'POST', url: '/auth/refresh', body: { refresh_token } });
const renew = async (refresh_token: string): Promise<Session> => (await refresh(refresh_token)).json();
const status = async (refresh_token: string) => (await refresh(refresh_token)).statusCode;
const profile = async ({ access_token }: Session) =>
  (await inject(it.app, { url: '/users/profile', headers: { authorization: `Bearer ${access_token}` } })).statusCode;
const pass = (seconds: number) => {
  it.clock.now = new Date(it.clock.now.getTime() + seconds * 1_000);
};
const events = async () => {
  const { rows } = await sql<{ action: string }>`
    select action from audit_log where actor_id = ${session.user.id} order by at, id`.execute(
    it.platform.database.root,
  );
  return rows.map(({ action }) => action);
};

describe('A refresh token', () => {
  test('is exchanged for new tokens, which work on', async () => {
    const renewed = await renew(session.refresh_token);
    expect(renewed.refresh_token).not.toBe(session.refresh_token);
    expect(await profile(renewed)).toBe(200);
    expect(await status(renewed.refresh_token)).toBe(200);
  });

  test('comes from the cookie of an allowed page too, and from no other', async () => {
    const cookie = `refresh_token=${session.refresh_token}`;
    const send = (headers: Record<string, string>) =>
      inject(it.app, { method: 'POST', url: '/auth/refresh', headers: { cookie, ...headers } });
    for (const headers of [{}, { origin: 'https://evil.example' }, { origin: 'null' }])
      expect((await send(headers as Record<string, string>)).statusCode).toBe(403);
    const answer = await send({ origin: 'http://localhost:5173' });
    expect(answer.statusCode).toBe(200);
    expect(answer.cookies.find(({ name }) => name === 'refresh_token')?.value).toBe(answer.json().refresh_token);
  });

  test('answers the same successor to who lost the answer, for ten seconds', async () => {
    const first = await renew(session.refresh_token);
    pass(9.999);
    const second = await renew(session.refresh_token);
    expect(second.refresh_token).toBe(first.refresh_token);
    expect([await profile(first), await profile(second)]).toEqual([200, 200]);
    expect(await status(second.refresh_token)).toBe(200);
  });

  test('that was used ten seconds ago ends its whole family, and an event says so', async () => {
    const renewed = await renew(session.refresh_token);
    pass(10);
    expect(await status(session.refresh_token)).toBe(401);
    expect(await status(renewed.refresh_token)).toBe(401);
    expect([await profile(session), await profile(renewed)]).toEqual([401, 401]);
    expect(await events()).toContain('identity.refresh_reused');
  });

  test('whose successor was used ends its family at once', async () => {
    const second = await renew(session.refresh_token);
    const third = await renew(second.refresh_token);
    expect(await status(session.refresh_token)).toBe(401);
    expect(await status(third.refresh_token)).toBe(401);
    expect(await profile(third)).toBe(401);
  });

  test('of long ago ends its family, however many came after', async () => {
    let newest = session;
    for (let count = 0; count < 5; count += 1) {
      pass(900);
      newest = await renew(newest.refresh_token);
    }
    expect(await status(session.refresh_token)).toBe(401);
    expect(await status(newest.refresh_token)).toBe(401);
  });

  test('that is made up ends nothing', async () => {
    const bytes = Buffer.from(session.refresh_token, 'base64url');
    bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1);
    expect(await status(bytes.toString('base64url'))).toBe(401);
    expect(await status(session.refresh_token)).toBe(200);
  });

  test('of one session ends no other of the same account', async () => {
    const email = `${newId()}@example.org`;
    const body = { email, password: 'correct horse battery' };
    const first: Session = (await inject(it.app, { method: 'POST', url: '/auth/register', body })).json();
    const second: Session = (await inject(it.app, { method: 'POST', url: '/auth/login', body })).json();
    await renew(first.refresh_token);
    pass(11);
    expect(await status(first.refresh_token)).toBe(401);
    expect(await profile(second)).toBe(200);
    expect(await status(second.refresh_token)).toBe(200);
  });

  test('of 20 exchanges at once leaves exactly one live chain', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(session.refresh_token)));
    const successors = new Set(answers.map((answer) => answer.json().refresh_token));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(20).fill(200));
    expect(successors.size).toBe(1);
    const { rows } = await sql`
      select refresh_count from user_sessions where user_id = ${session.user.id} and revoked_at is null`.execute(
      it.platform.database.root,
    );
    expect(rows).toEqual([{ refresh_count: 1 }]);
    const [successor] = [...successors];
    expect(await status(successor)).toBe(200);
  });

  test('lasts 30 days from its last use, and ends with a logout and the account', async () => {
    pass(29 * 86_400);
    const renewed = await renew(session.refresh_token);
    pass(29 * 86_400);
    const again = await renew(renewed.refresh_token);
    const change = (deletedAt: Date | null) =>
      it.platform.scopes.inInstance(({ db }) =>
        sql`update users set deleted_at = ${deletedAt} where id = ${session.user.id}`.execute(db),
      );
    await change(it.clock.now);
    expect(await status(again.refresh_token)).toBe(401);
    await change(null);
    expect(await status(again.refresh_token)).toBe(200);
    pass(31 * 86_400);
    expect(await status(again.refresh_token)).toBe(401);
  });

  test('is kept as a hash alone', async () => {
    const renewed = await renew(session.refresh_token);
    const { rows } = await sql`select * from user_sessions where user_id = ${session.user.id}`.execute(
      it.platform.database.root,
    );
    const kept = JSON.stringify(rows);
    for (const token of [session.refresh_token, renewed.refresh_token]) {
      expect(kept).not.toContain(token);
      expect(kept).not.toContain(Buffer.from(token, 'base64url').toString('hex'));
    }
  });

  test.each(['', 'x', 'x'.repeat(200), '\u0000', "' or true --"])('%j is none', async (token) => {
    expect([400, 401]).toContain(await status(token));
  });
});
