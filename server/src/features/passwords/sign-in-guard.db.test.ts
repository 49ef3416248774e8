import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids.ts';
import type { Database } from '#platform/db/database.ts';
import { createScopes, type Scopes } from '#platform/db/scopes.ts';
import { createLog } from '#platform/log/log.ts';
import { openTestDatabase } from '#testing/test-database.ts';
import { createSignInGuard, deleteOldAttempts, type SignInGuard } from './sign-in-guard.ts';

const minute = 60_000;
let database: Database;
let scopes: Scopes;
let guard: SignInGuard;
let clock: number;
let pauses: number[];
let account: string;
let network = 0;
let address: string;

beforeAll(async () => {
  database = await openTestDatabase();
  scopes = createScopes({ database, log: createLog({ level: 'silent' }) });
});
afterAll(() => database.close());
beforeEach(() => {
  clock = Date.parse('2024-12-18T12:00:00Z');
  pauses = [];
  guard = createSignInGuard({ scopes, now: () => new Date(clock), pause: async (ms) => void pauses.push(ms) });
  account = `${newId()}@example.org`;
  network += 1;
  address = `10.9.${network >> 8}.${network & 255}`;
});

const fail = (from = address, whose = account, kind: 'password' | 'code' = 'password') =>
  guard
    .attempt({ kind, account: whose, address: from }, async () => undefined)
    .then(
      () => 'failed',
      (error: { code: string; retryAfterSeconds: number }) => [error.code, error.retryAfterSeconds],
    );
const succeed = (from = address) => guard.attempt({ kind: 'password', account, address: from }, async () => 'in');
const times = async <T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> => {
  const results: T[] = [];
  for (let index = 0; index < count; index += 1) results.push(await work(index));
  return results;
};

describe('Failures', () => {
  test('of an account from one address: after five in 15 minutes it is refused until the first is 15 minutes old', async () => {
    const outcomes = await times(5, async () => {
      const outcome = await fail();
      clock += minute;
      return outcome;
    });
    expect(outcomes).toEqual(Array(5).fill('failed'));
    expect(await fail()).toEqual(['RATE_LIMITED', 600]);
    await expect(succeed()).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    clock += 10 * minute;
    expect(await fail()).toBe('failed');
    expect(await fail()).toEqual(['RATE_LIMITED', 60]);
  });

  test('do not lock the account from elsewhere, nor another account from there', async () => {
    await times(6, () => fail());
    expect(await succeed('10.200.0.1')).toBe('in');
    expect(await fail(address, `${newId()}@example.org`)).toBe('failed');
  });

  test('of any accounts from one address: after fifty it is refused', async () => {
    const outcomes = await times(50, () => fail(address, `${newId()}@example.org`));
    expect(outcomes).toEqual(Array(50).fill('failed'));
    expect(await fail(address, `${newId()}@example.org`)).toEqual(['RATE_LIMITED', 900]);
    clock += 15 * minute;
    expect(await succeed()).toBe('in');
  });

  test('are of a whole IPv6 network, and of an IPv4 address however it is written', async () => {
    const half = `2001:db8:${network.toString(16)}:1`;
    await times(5, (index) => fail(`${half}:${index}::1`));
    expect(await fail(`${half}:ffff:ffff:ffff:ffff`)).toMatchObject(['RATE_LIMITED', 900]);
    expect(await fail(`2001:db8:${network.toString(16)}:2::1`)).toBe('failed');
    const other = `${newId()}@example.org`;
    await times(5, () => fail(`::ffff:${address}`, other));
    expect(await fail(address, other)).toMatchObject(['RATE_LIMITED', 900]);
  });

  test('from everywhere only slow an account, longer and longer, up to five seconds', async () => {
    await times(60, (index) => fail(`10.201.${network}.${index}`));
    expect(pauses.slice(0, 3)).toEqual([200, 400, 600]);
    expect(Math.max(...pauses)).toBe(5_000);
    expect(await succeed('10.202.0.1')).toBe('in');
  });

  test('of codes stop after twenty, wherever they come from', async () => {
    const user = newId();
    const outcomes = await times(20, (index) => fail(`10.203.${network}.${index}`, user, 'code'));
    expect(outcomes).toEqual(Array(20).fill('failed'));
    expect(await fail('10.204.0.1', user, 'code')).toEqual(['RATE_LIMITED', 900]);
  });

  test('at once are no more than one after the other', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => fail()));
    expect(outcomes.filter((outcome) => outcome === 'failed')).toHaveLength(5);
  });

  test('are forgotten once it succeeds from that address, and then only there', async () => {
    await times(4, () => fail());
    await times(4, () => fail('10.205.0.1'));
    expect(await succeed()).toBe('in');
    expect(await times(5, () => fail())).toEqual(Array(5).fill('failed'));
    expect(await times(2, () => fail('10.205.0.1'))).toEqual(['failed', ['RATE_LIMITED', 900]]);
  });

  test('are counted by the address as it was typed, in any case and Unicode form', async () => {
    await times(5, (index) => fail(address, index % 2 ? account.toUpperCase() : account));
    expect(await fail(address, account)).toMatchObject(['RATE_LIMITED', 900]);
  });

  test('are kept no longer than they count, without the address that was typed', async () => {
    await fail();
    const rows = async () =>
      (await sql`select * from sign_in_attempts where address = ${address}`.execute(database.root)).rows;
    expect(JSON.stringify(await rows())).not.toContain(account);
    clock += 15 * minute;
    await scopes.inInstance((tx) => deleteOldAttempts(tx, new Date(clock)));
    expect(await rows()).toEqual([]);
  });
});

test('tries that succeed are never refused, however many at once', async () => {
  const outcomes = await Promise.all(Array.from({ length: 100 }, () => succeed()));
  expect(outcomes).toEqual(Array(100).fill('in'));
});

test('a check that throws counts as nothing', async () => {
  const attempt = guard.attempt({ kind: 'password', account, address }, () => Promise.reject(new Error('no database')));
  await expect(attempt).rejects.toThrow('no database');
  expect(await times(5, () => fail())).toEqual(Array(5).fill('failed'));
});
