import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSignInGuard } from '#features/passwords/index.ts';
import { newId } from '#kernel/ids.ts';
import { deriveKey } from '#platform/crypto/derive-key.ts';
import { createSealer } from '#platform/crypto/seal.ts';
import type { Database } from '#platform/db/database.ts';
import { createScopes, type Scopes } from '#platform/db/scopes.ts';
import { createLog } from '#platform/log/log.ts';
import { openTestDatabase } from '#testing/test-database.ts';
import { createCheckCode } from './check-code.ts';
import { computeCode } from './find-step.ts';
import { createMfaService } from './mfa.service.ts';

const encryptionKey = 'a secret of the installation, long enough';
const sealer = createSealer(encryptionKey);
const recoveryKey = deriveKey(encryptionKey, 'mfa recovery codes');
const checkCode = createCheckCode({ sealer, recoveryKey });

let database: Database;
let scopes: Scopes;
let clock = new Date('2024-12-18T12:00:00Z');
const now = () => clock;
const stepNow = () => Math.floor(clock.getTime() / 30_000);

beforeAll(async () => {
  database = await openTestDatabase();
  scopes = createScopes({ database, log: createLog({ level: 'silent' }) });
});
afterAll(() => database.close());
beforeEach(() => {
  clock = new Date(clock.getTime() + 3_600_000);
});

const check = (userId: string, code: string) => scopes.inInstance((tx) => checkCode(tx, { userId, code, at: clock }));

async function makeActor() {
  const userId = newId();
  const organizationId = newId();
  await scopes.inInstance(async ({ db }) => {
    await sql`insert into organizations (id, slug, name) values (${organizationId}, ${organizationId}, 'Test')`.execute(
      db,
    );
    await sql`insert into users (id, email, name) values (${userId}, ${`${userId}@example.org`}, 'Ada')`.execute(db);
  });
  const organization = { id: organizationId, slug: organizationId, isDemo: false, tier: 'free' } as const;
  const principal = {
    kind: 'user',
    userId,
    organizationId,
    organization: { ...organization, timezone: 'UTC', firstDayOfWeek: 1 },
    role: 'owner',
    isInstanceAdmin: false,
    accountType: 'standard',
    sessionId: newId(),
    apiKey: undefined,
    isMfaMissing: false,
    expiresAt: undefined,
  } as const;
  return { principal, origin: { id: newId(), address: '10.0.0.1' } };
}

/** An account whose second factor is on; no code of it has been used since. */
async function makeAccount() {
  const actor = await makeActor();
  const { userId } = actor.principal;
  const guard = createSignInGuard({ scopes, now, pause: async () => undefined });
  const forgetUser = () => undefined;
  const service = createMfaService({ scopes, sealer, guard, now, recoveryKey, checkCode, forgetUser });
  const { secret } = await service.setUp(actor);
  const usedStep = stepNow();
  const codes = await service.enable(actor, computeCode(secret, usedStep));
  clock = new Date(clock.getTime() + 600_000);
  const codeAt = (offset: number) => computeCode(secret, stepNow() + offset);
  return { actor, userId, service, secret, usedStep, codes, codeAt };
}

const atOnce = (times: number, run: () => Promise<boolean>) => Promise.all(Array.from({ length: times }, run));
const countTrue = (answers: readonly boolean[]) => answers.filter(Boolean).length;

describe('A code of the authenticator', () => {
  test('is right in its step, the one before and the one after, and in no other', async () => {
    const answers: boolean[] = [];
    for (const offset of [-2, -1, 0, 1, 2]) {
      const { userId, codeAt } = await makeAccount();
      answers.push(await check(userId, codeAt(offset)));
    }
    expect(answers).toEqual([false, true, true, true, false]);
  });

  test('works once, also for twenty at once', async () => {
    const { userId, codeAt } = await makeAccount();
    expect(countTrue(await atOnce(20, () => check(userId, codeAt(0))))).toBe(1);
    expect(await check(userId, codeAt(0))).toBe(false);
    clock = new Date(clock.getTime() + 30_000);
    expect(await check(userId, codeAt(0))).toBe(true);
  });

  test('of an earlier step works no more after one of a later step', async () => {
    const { userId, codeAt } = await makeAccount();
    expect(await check(userId, codeAt(1))).toBe(true);
    expect(await check(userId, codeAt(0))).toBe(false);
    expect(await check(userId, codeAt(-1))).toBe(false);
  });

  test('is used up by turning the second factor on with it', async () => {
    const { userId, secret, usedStep } = await makeAccount();
    clock = new Date(usedStep * 30_000);
    expect(await check(userId, computeCode(secret, usedStep))).toBe(false);
    expect(await check(userId, computeCode(secret, usedStep + 1))).toBe(true);
  });

  test('is taken in groups and in the digits of other scripts', async () => {
    const { userId, codeAt } = await makeAccount();
    const arabic = (code: string) => code.replace(/\d/g, (digit) => String.fromCodePoint(0x06_60 + Number(digit)));
    expect(await check(userId, ` ${codeAt(-1).slice(0, 3)} ${codeAt(-1).slice(3)}`)).toBe(true);
    expect(await check(userId, `${codeAt(0).slice(0, 3)}-${codeAt(0).slice(3)}`)).toBe(true);
    expect(await check(userId, arabic(codeAt(1)))).toBe(true);
  });

  test('is right for nobody else', async () => {
    const [ada, bob] = [await makeAccount(), await makeAccount()];
    expect(await check(bob.userId, ada.codeAt(0))).toBe(false);
    expect(await check(ada.userId, ada.codeAt(0))).toBe(true);
  });
});

describe('A recovery code', () => {
  test('works once, also for twenty at once, however it is typed', async () => {
    const { userId, codes } = await makeAccount();
    const [first = '', second = ''] = codes;
    expect(countTrue(await atOnce(20, () => check(userId, first)))).toBe(1);
    expect(await check(userId, first)).toBe(false);
    expect(await check(userId, second.toUpperCase().replace('-', ' ').replaceAll('0', 'O'))).toBe(true);
    expect(await check(userId, second)).toBe(false);
  });

  test('is the account’s own: it works for nobody else, nor once its row is another’s', async () => {
    const [ada, bob] = [await makeAccount(), await makeAccount()];
    const [code = ''] = ada.codes;
    expect(await check(bob.userId, code)).toBe(false);
    await scopes.inInstance(({ db }) =>
      db.updateTable('mfa_recovery_codes').set({ user_id: bob.userId }).where('user_id', '=', ada.userId).execute(),
    );
    expect(await check(bob.userId, code)).toBe(false);
    expect(await check(ada.userId, code)).toBe(false);
  });
});

test.each([
  '',
  ' ',
  '-',
  '000',
  'k7m2q-x9w4t',
  "' or true --",
  '\u0000\u0000',
  '\ud800',
  'ﷺ'.repeat(1_000),
  '7'.repeat(20_000),
])('What nobody was given is wrong, and uses nothing up: %.30j', async (code) => {
  const { userId, codes, codeAt } = await makeAccount();
  expect(await check(userId, code)).toBe(false);
  expect(await check(userId, codeAt(-1))).toBe(true);
  expect(await check(userId, codes[0] ?? '')).toBe(true);
});

describe('Where the second factor is off', () => {
  test('no code is right: before it is turned on, once it is off, and for a deleted account', async () => {
    const setUp = await makeAccount();
    await scopes.inInstance(({ db }) =>
      db.updateTable('users').set({ mfa_enabled_at: null }).where('id', '=', setUp.userId).execute(),
    );
    const off = await makeAccount();
    await off.service.disable(off.actor, { password: '', code: off.codeAt(-1) });
    const deleted = await makeAccount();
    await scopes.inInstance(({ db }) =>
      db.updateTable('users').set({ deleted_at: clock }).where('id', '=', deleted.userId).execute(),
    );
    for (const { userId, codes, codeAt } of [setUp, off, deleted]) {
      expect(await check(userId, codeAt(0))).toBe(false);
      expect(await check(userId, codes[0] ?? '')).toBe(false);
    }
    expect(await check(newId(), '000000')).toBe(false);
  });

  test('nothing of it is left', async () => {
    const { actor, userId, service, codes } = await makeAccount();
    await service.disable(actor, { password: '', code: codes[0] ?? '' });
    const { rows } = await scopes.inInstance(({ db }) =>
      sql`select mfa_secret, mfa_enabled_at, mfa_last_step,
          (select count(*)::int from mfa_recovery_codes where user_id = ${userId}) as codes
        from users where id = ${userId}`.execute(db),
    );
    expect(rows).toEqual([{ mfa_secret: null, mfa_enabled_at: null, mfa_last_step: null, codes: 0 }]);
  });
});

describe('The database', () => {
  test('holds the secret and the recovery codes nowhere in clear', async () => {
    const { secret, codes, userId } = await makeAccount();
    const plain = codes.map((code) => code.replace('-', ''));
    const hex = (text: string) => Buffer.from(text).toString('hex');
    const hashes = [...codes, ...plain].map((text) => createHash('sha256').update(text).digest('hex'));
    const traces = [secret, hex(secret), ...codes, ...plain, ...plain.map(hex), ...hashes].map((text) => `%${text}%`);
    const { rows: tables } = await sql<{ name: string }>`
      select format('%I.%I', table_schema, table_name) as name from information_schema.tables
      where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`.execute(
      database.root,
    );
    const findRows = async (patterns: readonly string[]) => {
      const found: string[] = [];
      for (const { name } of tables) {
        const { rows } = await sql`select 1 from ${sql.raw(name)} as entry
          where entry::text ilike any (${patterns}::text[])`.execute(database.root);
        if (rows.length > 0) found.push(name);
      }
      return found;
    };
    // The search finds what is there.
    expect(await findRows([`%${userId}%`])).toEqual(
      expect.arrayContaining(['public.users', 'public.mfa_recovery_codes']),
    );
    expect(await findRows(traces)).toEqual([]);
  });

  test('opens no secret that was moved to another account', async () => {
    const [ada, mallory] = [await makeAccount(), await makeAccount()];
    await scopes.inInstance(({ db }) =>
      sql`update users set mfa_secret = (select mfa_secret from users where id = ${mallory.userId})
        where id = ${ada.userId}`.execute(db),
    );
    await expect(check(ada.userId, mallory.codeAt(0))).rejects.toThrow();
    expect(await check(mallory.userId, mallory.codeAt(0))).toBe(true);
  });
});
