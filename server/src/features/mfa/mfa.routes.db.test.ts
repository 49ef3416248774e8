import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { inject } from '#testing/inject.ts';
import { makeTestApp, type TestApp, type TestMember } from '#testing/make-app.ts';
import { computeCode } from './find-step.ts';

const password = 'correct horse battery';
const minute = 60_000;

let it: TestApp;
beforeAll(async () => {
  it = await makeTestApp();
});
afterAll(() => it.close());

let network = 0;
beforeEach(() => {
  network += 1;
  wait(10 * minute);
});

function wait(ms: number) {
  it.clock.now = new Date(it.clock.now.getTime() + ms);
}

const send = ({ headers }: { headers: Record<string, string> }, what: string, body?: object) =>
  inject(it.app, {
    method: 'POST',
    url: `/auth/mfa/${what}`,
    headers,
    remoteAddress: `10.9.${network}.1`,
    ...(body ? { body } : {}),
  });

const codeNow = (secret: string, offset = 0) =>
  computeCode(secret, Math.floor(it.clock.now.getTime() / 30_000) + offset);

const wrongCode = (secret: string) => {
  const right = [-2, -1, 0, 1, 2].map((offset) => codeNow(secret, offset));
  return ['000000', '111111', '222222', '333333', '444444', '555555'].find((code) => !right.includes(code)) ?? '';
};

async function makeMember(): Promise<TestMember & { organizationId: string }> {
  const organization = await it.makeOrganization();
  return { ...(await organization.member('viewer')), organizationId: organization.id };
}

/** A member with the second factor on; the next code of the authenticator is unused. */
async function makeEnabled() {
  const member = await makeMember();
  const { secret } = (await send(member, 'setup')).json<{ secret: string }>();
  const enabled = await send(member, 'enable', { code: codeNow(secret) });
  expect(enabled.statusCode).toBe(200);
  const { recovery_codes: codes } = enabled.json<{ recovery_codes: string[] }>();
  wait(minute);
  return { ...member, secret, codes };
}

const isOn = async ({ userId }: Pick<TestMember, 'userId'>) => {
  const row = await it.platform.scopes.inInstance(({ db }) =>
    db.selectFrom('users').select('mfa_enabled_at').where('id', '=', userId).executeTakeFirstOrThrow(),
  );
  return row.mfa_enabled_at !== null;
};

describe('Setting up', () => {
  test('answers the secret, its URI and a QR code, for no cache to keep, and turns nothing on', async () => {
    const member = await makeMember();
    const answer = await send(member, 'setup');
    expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-store']);
    const { otpauth_uri, qr_svg, secret } = answer.json();
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    const uri = new URL(otpauth_uri);
    expect([uri.protocol, uri.host]).toEqual(['otpauth:', 'totp']);
    expect(decodeURIComponent(uri.pathname)).toMatch(/^\/Almanac:[\da-f-]{36}@example\.org$/);
    expect(Object.fromEntries(uri.searchParams)).toEqual({ secret, issuer: 'Almanac' });
    expect(qr_svg).toMatch(/^<svg /);
    expect(await isOn(member)).toBe(false);
  });

  test('again replaces the secret, until it is on', async () => {
    const member = await makeMember();
    const first = (await send(member, 'setup')).json().secret;
    const second = (await send(member, 'setup')).json().secret;
    expect(second).not.toBe(first);
    expect((await send(member, 'enable', { code: codeNow(first) })).statusCode).toBe(400);
    expect((await send(member, 'enable', { code: codeNow(second) })).statusCode).toBe(200);
    const refused = await send(member, 'setup');
    expect([refused.statusCode, refused.json().error.code]).toEqual([409, 'CONFLICT']);
    expect(refused.json().error.message).toContain('/auth/mfa/disable');
  });

  test('is for one’s own account alone', async () => {
    const [ada, bob] = [await makeMember(), await makeMember()];
    await send(ada, 'setup', { user_id: bob.userId });
    expect((await send(bob, 'enable', { code: '000000' })).json().error.message).toContain('/auth/mfa/setup');
    const { secret } = (await send(ada, 'setup')).json();
    const named = await send(ada, 'enable', { code: codeNow(secret), user_id: bob.userId });
    expect([named.statusCode, named.json().error.details.field]).toEqual([400, 'user_id']);
    expect([await isOn(ada), await isOn(bob)]).toEqual([false, false]);
  });

  test('takes a signed-in person', async () => {
    for (const what of ['setup', 'enable', 'disable']) {
      const answer = await send({ headers: {} }, what, { password, code: '000000' });
      expect([answer.statusCode, answer.json().error.code]).toEqual([401, 'UNAUTHENTICATED']);
    }
  });
});

describe('Turning on', () => {
  test('takes a code, and answers ten recovery codes for no cache to keep', async () => {
    const member = await makeMember();
    const { secret } = (await send(member, 'setup')).json();
    const code = codeNow(secret);
    const answer = await send(member, 'enable', { code: `${code.slice(0, 3)} ${code.slice(3)}` });
    expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-store']);
    const codes = answer.json().recovery_codes;
    expect(new Set(codes).size).toBe(10);
    for (const one of codes) expect(one).toMatch(/^[\da-z]{5}-[\da-z]{5}$/);
    expect(await isOn(member)).toBe(true);
    const profile = await inject(it.app, { url: '/users/profile', headers: member.headers });
    expect(profile.json().mfa_enabled).toBe(true);
  });

  test('is refused with a wrong code, naming the field', async () => {
    const member = await makeMember();
    const { secret } = (await send(member, 'setup')).json();
    for (const code of [
      wrongCode(secret),
      codeNow(secret, 3),
      'k7m2q-x9w4t',
      '      ',
      '4'.repeat(33),
      '4'.repeat(20_000),
    ]) {
      const answer = await send(member, 'enable', { code });
      expect([answer.statusCode, answer.json().error.code]).toEqual([400, 'VALIDATION_ERROR']);
      expect(answer.json().error.details.field).toBe('code');
    }
    expect(await isOn(member)).toBe(false);
  });

  test('is refused before it is set up, and once it is on', async () => {
    const fresh = await send(await makeMember(), 'enable', { code: '123456' });
    expect([fresh.statusCode, fresh.json().error.code]).toEqual([409, 'CONFLICT']);
    const enabled = await makeEnabled();
    const again = await send(enabled, 'enable', { code: codeNow(enabled.secret) });
    expect([again.statusCode, again.json().error.code]).toEqual([409, 'CONFLICT']);
  });

  test('happens once for twenty at once, from anywhere', async () => {
    const member = await makeMember();
    const { secret } = (await send(member, 'setup')).json();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        inject(it.app, {
          method: 'POST',
          url: '/auth/mfa/enable',
          headers: member.headers,
          body: { code: codeNow(secret) },
          remoteAddress: `10.10.${index}.1`,
        }),
      ),
    );
    const statuses = answers.map(({ statusCode }) => statusCode);
    expect(statuses.sort()).toEqual([200, ...Array(19).fill(409)]);
  });
});

describe('Turning off', () => {
  test('takes the password and a code, and refuses alike whichever is wrong', async () => {
    const member = await makeEnabled();
    const code = codeNow(member.secret);
    const tries = [
      { password: 'wrong password', code },
      { password: '', code: member.codes[0] },
      { password, code: wrongCode(member.secret) },
      { password: 'wrong password', code: wrongCode(member.secret) },
    ];
    const answers: object[] = [];
    for (const body of tries) {
      const answer = await send(member, 'disable', body);
      const { request_id: _, ...error } = answer.json().error;
      answers.push({ status: answer.statusCode, ...error });
    }
    expect(answers).toEqual(answers.map(() => answers[0]));
    expect(answers[0]).toMatchObject({ status: 401, code: 'INVALID_CREDENTIALS' });
    expect(await isOn(member)).toBe(true);
    // What came with a wrong password is not used up.
    expect((await send(member, 'disable', { password, code })).statusCode).toBe(204);
    expect(await isOn(member)).toBe(false);
  });

  test('takes a recovery code too', async () => {
    const { codes, ...member } = await makeEnabled();
    expect((await send(member, 'disable', { password, code: codes[9] })).statusCode).toBe(204);
    expect(await isOn(member)).toBe(false);
  });

  test('is refused where it is not on, also when it is set up', async () => {
    const member = await makeMember();
    const { secret } = (await send(member, 'setup')).json();
    const answer = await send(member, 'disable', { password, code: codeNow(secret) });
    expect([answer.statusCode, answer.json().error.code]).toEqual([409, 'CONFLICT']);
  });

  test('takes the code alone of an account that has no password', async () => {
    const member = await makeEnabled();
    await it.platform.scopes.inInstance(({ db }) =>
      db.updateTable('users').set({ password_hash: null }).where('id', '=', member.userId).execute(),
    );
    const wrong = await send(member, 'disable', { password: '', code: wrongCode(member.secret) });
    expect(wrong.statusCode).toBe(401);
    expect((await send(member, 'disable', { password: '', code: codeNow(member.secret) })).statusCode).toBe(204);
  });

  test('and on again takes another secret', async () => {
    const member = await makeEnabled();
    await send(member, 'disable', { password, code: codeNow(member.secret) });
    const { secret } = (await send(member, 'setup')).json();
    expect(secret).not.toBe(member.secret);
    expect((await send(member, 'enable', { code: codeNow(member.secret, 1) })).statusCode).toBe(400);
    expect((await send(member, 'enable', { code: codeNow(secret) })).statusCode).toBe(200);
  });
});

describe('Guessing', () => {
  test.each([
    ['a code that turns it on', 'enable', () => ({})],
    ['a code that turns it off', 'disable', () => ({ password })],
  ])('%s ends there after five, for fifteen minutes, and not elsewhere', async (_, what, rest) => {
    const member = what === 'enable' ? await makeMember() : await makeEnabled();
    const secret = 'secret' in member ? member.secret : (await send(member, 'setup')).json().secret;
    const statuses: number[] = [];
    for (let tries = 0; tries < 5; tries += 1) {
      statuses.push((await send(member, what, { ...rest(), code: wrongCode(secret) })).statusCode);
    }
    expect(statuses).toEqual(Array(5).fill(what === 'enable' ? 400 : 401));
    const refused = await send(member, what, { ...rest(), code: codeNow(secret) });
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '900']);
    network += 1;
    expect((await send(member, what, { ...rest(), code: codeNow(secret) })).statusCode).toBeLessThan(300);
  });

  test('the password ends after five, for fifteen minutes', async () => {
    const member = await makeEnabled();
    for (let tries = 0; tries < 5; tries += 1) {
      expect((await send(member, 'disable', { password: 'wrong password', code: '000000' })).statusCode).toBe(401);
    }
    const refused = await send(member, 'disable', { password, code: codeNow(member.secret) });
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '900']);
    expect(await isOn(member)).toBe(true);
  });
});

describe('An organization that asks for a second factor', () => {
  test('lets members set it up, and then in, at once; and out when they turn it off', async () => {
    const member = await makeMember();
    await it.platform.scopes.inInstance(({ db }) =>
      sql`update organizations set requires_mfa = true, subscription_tier = 'enterprise'
        where id = ${member.organizationId}`.execute(db),
    );
    wait(minute);
    const enter = async () => {
      const { statusCode } = await inject(it.app, { url: '/api/weekly/summary', headers: member.headers });
      return statusCode;
    };
    expect(await enter()).toBe(403);
    const { secret } = (await send(member, 'setup')).json();
    await send(member, 'enable', { code: codeNow(secret) });
    expect(await enter()).toBe(200);
    expect((await send(member, 'disable', { password, code: codeNow(secret, 1) })).statusCode).toBe(204);
    expect(await enter()).toBe(403);
  });
});

test('The audit log holds who did it from where, and no secret', async () => {
  const member = await makeEnabled();
  await send(member, 'disable', { password: 'wrong password', code: '000000' });
  await send(member, 'disable', { password, code: codeNow(member.secret) });
  const { rows } = await it.platform.scopes.inInstance(({ db }) =>
    sql`select organization_id, actor_kind, action, target, details, address from audit_log
      where actor_id = ${member.userId} and action like 'mfa.%' order by at, id`.execute(db),
  );
  const entry = {
    organization_id: member.organizationId,
    actor_kind: 'user',
    target: `user:${member.userId}`,
    details: {},
    address: `10.9.${network}.1`,
  };
  const actions = ['mfa.setUp', 'mfa.enable', 'mfa.disable'];
  expect(rows).toEqual(actions.map((action) => ({ ...entry, action })));
});
