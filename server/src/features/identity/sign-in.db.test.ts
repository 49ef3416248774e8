import { sql } from 'kysely';
import { generateSync } from 'otplib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';

const password = 'correct horse battery';
let it: TestApp;
let email: string;
let addresses = 0;
beforeAll(async () => {
  it = await makeTestApp();
});
beforeEach(() => {
  email = `${newId()}@example.org`;
  addresses += 1;
});
afterAll(() => it.close());

const post = (url: string, body: object, headers: Record<string, string> = {}) =>
  inject(it.app, { method: 'POST', url, body, headers, remoteAddress: `10.4.${addresses >> 8}.${addresses & 255}` });
const pass = (seconds: number) => {
  it.clock.now = new Date(it.clock.now.getTime() + seconds * 1_000);
};
const profile = async (token: string) =>
  (await inject(it.app, { url: '/users/profile', headers: { authorization: `Bearer ${token}` } })).statusCode;

/** Registers and turns the second factor on; answers what its owner then holds. */
async function setUpMfa() {
  const { access_token: token } = (await post('/auth/register', { email, password })).json();
  const headers = { authorization: `Bearer ${token}` };
  const { secret } = (await post('/auth/mfa/setup', {}, headers)).json();
  const codeAt = (seconds = 0) => generateSync({ secret, epoch: Math.floor(it.clock.now.getTime() / 1_000) + seconds });
  const enabled = await post('/auth/mfa/enable', { code: codeAt() }, headers);
  expect(enabled.statusCode).toBe(200);
  pass(60);
  return { token, headers, codeAt, recovery: enabled.json().recovery_codes as string[] };
}

describe('Signing in with a second factor', () => {
  test('asks for the code, and takes it in a second step', async () => {
    const { codeAt } = await setUpMfa();
    const first = await post('/auth/login', { email, password });
    expect([first.statusCode, first.json().error.code, first.cookies]).toEqual([401, 'MFA_REQUIRED', []]);
    const { mfa_token } = first.json().error.details;
    expect(await profile(mfa_token)).toBe(401);
    const second = await post('/auth/login/mfa', { mfa_token, code: codeAt() });
    expect(second.statusCode).toBe(200);
    expect(await profile(second.json().access_token)).toBe(200);
    expect(second.cookies.map(({ name }) => name)).toEqual(['access_token', 'refresh_token']);
  });

  test('takes the code with the password, too', async () => {
    const { codeAt, recovery } = await setUpMfa();
    expect((await post('/auth/login', { email, password, mfa_code: codeAt() })).statusCode).toBe(200);
    expect((await post('/auth/login', { email, password, mfa_code: recovery[0] })).statusCode).toBe(200);
  });

  test('takes a code once, in either step', async () => {
    const { codeAt } = await setUpMfa();
    const code = codeAt();
    expect((await post('/auth/login', { email, password, mfa_code: code })).statusCode).toBe(200);
    const again = await post('/auth/login', { email, password, mfa_code: code });
    expect([again.statusCode, again.json().error.code]).toEqual([401, 'INVALID_CREDENTIALS']);
    const { mfa_token } = (await post('/auth/login', { email, password })).json().error.details;
    expect((await post('/auth/login/mfa', { mfa_token, code })).statusCode).toBe(401);
  });

  test('of 20 at once with one recovery code lets one in', async () => {
    const { recovery } = await setUpMfa();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => post('/auth/login', { email, password, mfa_code: recovery[3] })),
    );
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1);
    expect(answers.every(({ statusCode }) => [200, 401, 429].includes(statusCode))).toBe(true);
  });

  test('says nothing of the second factor while the password is wrong', async () => {
    const { codeAt } = await setUpMfa();
    const answer = await post('/auth/login', { email, password: 'wrong password', mfa_code: codeAt() });
    expect([answer.statusCode, answer.json().error.code]).toEqual([401, 'INVALID_CREDENTIALS']);
    expect((await post('/auth/login', { email, password, mfa_code: codeAt() })).statusCode).toBe(200);
  });

  test('is limited: after five wrong codes in 15 minutes it is refused, and the password alone lets nobody in', async () => {
    const { codeAt } = await setUpMfa();
    const { mfa_token } = (await post('/auth/login', { email, password })).json().error.details;
    const statuses: number[] = [];
    for (let tries = 0; tries < 6; tries += 1)
      statuses.push((await post('/auth/login/mfa', { mfa_token, code: '000000' })).statusCode);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
    expect((await post('/auth/login', { email, password, mfa_code: codeAt() })).statusCode).toBe(429);
    expect((await post('/auth/login', { email, password })).json().error.code).toBe('MFA_REQUIRED');
  });

  test('ends with five minutes, and with the password it began with', async () => {
    const { codeAt } = await setUpMfa();
    const begin = async (word = password) =>
      (await post('/auth/login', { email, password: word })).json().error.details.mfa_token;
    const early = await begin();
    pass(300);
    const late = await post('/auth/login/mfa', { mfa_token: early, code: codeAt() });
    expect([late.statusCode, late.json().error.code]).toEqual([401, 'INVALID_TOKEN']);
    const session = (await post('/auth/login', { email, password, mfa_code: codeAt() })).json();
    const before = await begin();
    pass(60);
    const changing = { authorization: `Bearer ${session.access_token}` };
    const change = { current_password: password, password: 'staple of another kind' };
    expect((await post('/auth/change-password', change, changing)).statusCode).toBe(204);
    expect((await post('/auth/login/mfa', { mfa_token: before, code: codeAt() })).statusCode).toBe(401);
  });
});

describe('What happens to an account', () => {
  test('is in the audit log of its organization, with the address it came from', async () => {
    const { user } = (await post('/auth/register', { email, password })).json();
    await post('/auth/login', { email, password: 'wrong password' });
    await post('/auth/login', { email, password });
    const { rows } = await sql<{ action: string; actor_id: string | null; address: string }>`
      select action, actor_id, address from audit_log
      where organization_id = (select own_organization_id from users where id = ${user.id}) order by at, id`.execute(
      it.platform.database.root,
    );
    const address = `10.4.${addresses >> 8}.${addresses & 255}`;
    expect(rows).toEqual([
      { action: 'identity.register', actor_id: user.id, address },
      { action: 'identity.login', actor_id: user.id, address },
      { action: 'identity.login_failed', actor_id: null, address },
      { action: 'identity.login', actor_id: user.id, address },
    ]);
  });
});
