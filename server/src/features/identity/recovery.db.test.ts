import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';

interface Session {
  user: { id: string; email: string };
  access_token: string;
  refresh_token: string;
}

const password = 'correct horse battery';
const another = 'staple of another kind';
let it: TestApp;
let session: Session;
let email: string;
let addresses = 0;
beforeAll(async () => {
  it = await makeTestApp({ config: { PUBLIC_URL: 'https://almanac.example' } });
});
beforeEach(async () => {
  email = `${newId()}@example.org`;
  addresses += 1;
  session = (await post('/auth/register', { email, password })).json();
});
afterAll(() => it.close());

const post = (url: string, body: object, headers: Record<string, string> = {}) =>
  inject(it.app, { method: 'POST', url, body, headers, remoteAddress: `10.3.0.${addresses}` });
const bearer = ({ access_token }: Session) => ({ authorization: `Bearer ${access_token}` });
const profile = (of: Session) => inject(it.app, { url: '/users/profile', headers: bearer(of) });
const login = async (word: string) => (await post('/auth/login', { email, password: word })).statusCode;
const pass = (minutes: number) => {
  it.clock.now = new Date(it.clock.now.getTime() + minutes * 60_000);
};
interface KeptMail {
  subject: string;
  body_text: string;
}
const mails = async (to = email): Promise<KeptMail[]> => {
  const { rows } = await sql<KeptMail>`
    select subject, body_text from mails where recipient = ${to} order by created_at, id`.execute(
    it.platform.database.root,
  );
  return rows;
};
const tokensOf = (found: KeptMail[], name: string) =>
  found.flatMap(
    ({ body_text }) => new RegExp(`https://almanac.example/#${name}=([\\w-]{43})`).exec(body_text)?.[1] ?? [],
  );
const askForReset = async (): Promise<string> => {
  expect((await post('/auth/reset-password', { email })).statusCode).toBe(202);
  return tokensOf(await mails(), 'reset-password').at(-1) ?? '';
};
const reset = (token: string, word = another) => post('/auth/reset-password', { token, password: word });

describe('A password reset', () => {
  test('sets the new password, ends every session and is told to the address', async () => {
    const token = await askForReset();
    const answer = await reset(token);
    expect([answer.statusCode, typeof answer.json().message]).toEqual([200, 'string']);
    expect([await login(password), await login(another)]).toEqual([401, 200]);
    expect((await profile(session)).statusCode).toBe(401);
    expect((await post('/auth/refresh', { refresh_token: session.refresh_token })).statusCode).toBe(401);
    expect((await mails()).at(-1)?.subject).toBe('Your password was changed');
  });

  test('works once, also 20 at once, and takes other links with it', async () => {
    const [first, token] = [await askForReset(), await askForReset()];
    const answers = await Promise.all(Array.from({ length: 20 }, () => reset(token)));
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1);
    for (const used of [first, token]) {
      const answer = await reset(used);
      expect([answer.statusCode, answer.json().error.details.field]).toEqual([400, 'token']);
    }
  });

  test('leaves no session that began with the old password, also where sign-ins run beside it', async () => {
    const token = await askForReset();
    const signIn = () => post('/auth/login', { email, password });
    const [changed, ...answers] = await Promise.all([reset(token), ...Array.from({ length: 6 }, signIn)]);
    expect(changed.statusCode).toBe(200);
    for (const answer of answers) {
      if (answer.statusCode === 200) expect((await profile(answer.json())).statusCode).toBe(401);
      else expect(answer.statusCode).toBe(401);
    }
  });

  test('of an address that nobody had confirmed ends the keys and the second factor that were left in the account', async () => {
    const body = { name: 'left behind', scopes: ['weekly:read'] };
    const { key } = (await post('/auth/api-keys', body, bearer(session))).json();
    await it.platform.scopes.inInstance(({ db }) =>
      sql`update users set mfa_enabled_at = now(), mfa_secret = 'x' where id = ${session.user.id}`.execute(db),
    );
    await reset(await askForReset());
    expect(await login(another)).toBe(200);
    pass(1);
    const withKey = { url: '/users/profile', headers: { 'x-api-key': key } };
    expect((await inject(it.app, withKey)).statusCode).toBe(401);
    const later = await post('/auth/login', { email, password: another });
    const kept = (await post('/auth/api-keys', body, bearer(later.json()))).json();
    expect((await reset(await askForReset(), 'a third of its kind')).statusCode).toBe(200);
    expect((await inject(it.app, { url: '/api/weekly/stats', headers: { 'x-api-key': kept.key } })).statusCode).toBe(
      200,
    );
  });

  test('lasts 30 minutes', async () => {
    const token = await askForReset();
    pass(29.9);
    expect((await reset(token, 'password')).statusCode).toBe(400);
    pass(0.1);
    expect((await reset(token)).json().error.details.field).toBe('token');
    expect(await login(password)).toBe(200);
  });

  test('leaves the token good when the password is refused, and names the field', async () => {
    const token = await askForReset();
    for (const weak of ['1234567', 'password', email]) {
      const answer = await reset(token, weak);
      expect([answer.statusCode, answer.json().error.details.field]).toEqual([400, 'password']);
    }
    expect((await reset(token)).statusCode).toBe(200);
  });

  test('is answered alike for an unknown address, which gets no mail, and takes as long', async () => {
    const nobody = `${newId()}@example.org`;
    const known = await post('/auth/reset-password', { email });
    const unknown = await post('/auth/reset-password', { email: nobody });
    expect([unknown.statusCode, unknown.json()]).toEqual([known.statusCode, known.json()]);
    expect(await mails(nobody)).toEqual([]);
    expect(it.pauses.slice(-2)).toEqual([60, 60]);
  });

  test('is mailed at most three times in 15 minutes, and answered all the same', async () => {
    for (let count = 0; count < 5; count += 1) await askForReset();
    expect(tokensOf(await mails(), 'reset-password')).toHaveLength(3);
    pass(15);
    await askForReset();
    expect(tokensOf(await mails(), 'reset-password')).toHaveLength(4);
  });

  test('goes to the address in any case, and its token is kept as a hash', async () => {
    expect((await post('/auth/reset-password', { email: email.toUpperCase() })).statusCode).toBe(202);
    const [token = ''] = tokensOf(await mails(), 'reset-password');
    const { rows } = await sql`select * from mailed_tokens where user_id = ${session.user.id}`.execute(
      it.platform.database.root,
    );
    expect(JSON.stringify(rows)).not.toContain(token);
  });

  test('is no way into an account that is gone, nor with a token of another purpose', async () => {
    const token = await askForReset();
    const [verifying = ''] = tokensOf(await mails(), 'verify-email');
    expect((await reset(verifying)).statusCode).toBe(400);
    expect((await post('/auth/verify-email', { token })).statusCode).toBe(400);
    await it.platform.scopes.inInstance(({ db }) =>
      sql`update users set deleted_at = now() where id = ${session.user.id}`.execute(db),
    );
    expect((await reset(token)).statusCode).toBe(400);
  });

  test.each([
    [{}, 'email'],
    [{ email: 'ada@example.org', token: 'x' }, 'password'],
    [{ email: 'ada@example.org', password: another }, 'email'],
    [{ token: 'x' }, 'password'],
    [{ password: another }, 'email'],
    [{ email: 'ada' }, 'email'],
    [{ token: '', password: another }, 'token'],
  ])('names what is wrong in %j', async (body, field) => {
    const answer = await post('/auth/reset-password', body);
    expect([answer.statusCode, answer.json().error.details.field]).toEqual([400, field]);
  });
});

describe('Confirming the address', () => {
  test('works once, with the token mailed at registration', async () => {
    const [token = ''] = tokensOf(await mails(), 'verify-email');
    const answer = await post('/auth/verify-email', { token });
    expect(answer.json()).toEqual({ email, email_verified_at: it.clock.now.toISOString() });
    expect((await profile(session)).json().email_verified_at).toBe(it.clock.now.toISOString());
    expect((await post('/auth/verify-email', { token })).statusCode).toBe(400);
  });

  const resend = () => post('/auth/verify-email/resend', {}, bearer(session));

  test('works with a link that is mailed again, for whoever is signed in', async () => {
    const answer = await resend();
    expect([answer.statusCode, answer.json().message]).toEqual([202, expect.stringContaining(email)]);
    const tokens = tokensOf(await mails(), 'verify-email');
    expect(tokens).toHaveLength(2);
    expect((await post('/auth/verify-email', { token: tokens[1] })).statusCode).toBe(200);
    expect((await post('/auth/verify-email', { token: tokens[0] })).statusCode).toBe(400);
    const again = await resend();
    expect([again.statusCode, again.json().error.code]).toEqual([409, 'CONFLICT']);
    expect((await post('/auth/verify-email/resend', {})).statusCode).toBe(401);
  });

  test('is mailed at most three times in 15 minutes, also asked for 20 times at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, resend));
    expect(answers.filter(({ statusCode }) => statusCode === 429).length).toBeGreaterThanOrEqual(17);
    expect(tokensOf(await mails(), 'verify-email').length).toBeLessThanOrEqual(4);
    pass(14);
    const early = await resend();
    expect([early.statusCode, early.json().error.code]).toEqual([429, 'RATE_LIMITED']);
    expect(Number(early.headers['retry-after'])).toBeGreaterThanOrEqual(60);
    pass(1);
    session = (await post('/auth/login', { email, password })).json();
    expect((await resend()).statusCode).toBe(202);
  });

  test('is not mailed to an address that stands in for none', async () => {
    await it.platform.scopes.inInstance(({ db }) =>
      sql`update users set email = ${`${newId()}@outside.almanac.invalid`} where id = ${session.user.id}`.execute(db),
    );
    const answer = await resend();
    expect([answer.statusCode, answer.json().error.code]).toEqual([409, 'CONFLICT']);
  });

  test('comes with a reset, which proves as much', async () => {
    await reset(await askForReset());
    const again: Session = (await post('/auth/login', { email, password: another })).json();
    expect((await profile(again)).json().email_verified_at).toBe(it.clock.now.toISOString());
  });
});

describe('Changing the password', () => {
  const change = (body: object) => post('/auth/change-password', body, bearer(session));

  test('takes the current one, and ends the other sessions alone', async () => {
    const other: Session = (await post('/auth/login', { email, password })).json();
    expect((await profile(other)).statusCode).toBe(200);
    expect((await change({ current_password: password, password: another })).statusCode).toBe(204);
    expect([(await profile(session)).statusCode, (await profile(other)).statusCode]).toEqual([200, 401]);
    expect([await login(password), await login(another)]).toEqual([401, 200]);
    expect((await mails()).at(-1)?.subject).toBe('Your password was changed');
  });

  test('with a wrong current one is refused, and not guessed for long', async () => {
    const statuses: number[] = [];
    for (let tries = 0; tries < 6; tries += 1)
      statuses.push((await change({ current_password: 'wrong', password: another })).statusCode);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
    expect(await login(another)).toBe(429);
  });

  test('uses up the links that were mailed to reset it', async () => {
    const token = await askForReset();
    expect((await change({ current_password: password, password: another })).statusCode).toBe(204);
    expect((await reset(token, 'neither of the others')).statusCode).toBe(400);
    expect(await login(another)).toBe(200);
  });

  test('twice at once from the same one succeeds once', async () => {
    const words = ['staple of another kind', 'horse of another colour'];
    const answers = await Promise.all(words.map((word) => change({ current_password: password, password: word })));
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([204, 401]);
    const fits = words[answers.findIndex(({ statusCode }) => statusCode === 204)] ?? '';
    expect(await login(fits)).toBe(200);
  });

  test('to a weak one is refused', async () => {
    const answer = await change({ current_password: password, password: 'iloveyou' });
    expect([answer.statusCode, answer.json().error.details.field]).toEqual([400, 'password']);
    expect(await login(password)).toBe(200);
  });
});
