import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { newId } from '#kernel/ids.ts';
import { createTurns } from '#kernel/turns.ts';
import type { InstanceTx, Scopes } from '#platform/db/scopes.ts';
import { AppError } from '#platform/errors/app-error.ts';
import { networkOf } from '#platform/http/client-address.ts';

/** Failures count for fifteen minutes. */
const windowMs = 15 * 60_000;
const mostFromAddressForAccount = 5;
const mostFromAddress = 50;
/** Wrong codes take the right password first, so a stranger cannot use up what an account may get wrong here. */
const mostCodesForAccount = 20;
/** Failures on an account, from everywhere, after which each further try waits longer. */
const failuresBeforeSlowing = 10;
const slowingStepMs = 200;
const longestPauseMs = 5_000;
const triesAtOnceFromAddress = 8;
const mostWaiting = 200;

/** One try of a password or code. */
export interface SignInTry {
  readonly kind: 'password' | 'code';
  /** What the caller says the account is: an address, whether or not it has one; or the account's id. */
  readonly account: string;
  /** Where the request comes from. */
  readonly address: string;
}

/** Keeps passwords and codes from being guessed. */
export interface SignInGuard {
  /**
   * Runs the check unless too many have failed. A check that answers undefined has failed, and counts for 15 minutes:
   * after 5 for an account from one address, or 50 from one address, or 20 wrong codes of an account, RATE_LIMITED is
   * thrown. Many failures on an account from everywhere only slow it. `noteFailure` writes along with a failure.
   */
  attempt<T>(
    tried: SignInTry,
    check: () => Promise<T | undefined>,
    noteFailure?: (tx: InstanceTx) => Promise<void>,
  ): Promise<T | undefined>;
}

interface SignInGuardOptions {
  scopes: Pick<Scopes, 'inInstance'>;
  now: () => Date;
  /** Waits so many milliseconds. */
  pause: (ms: number) => Promise<void>;
}

export function createSignInGuard({ scopes, now, pause }: SignInGuardOptions): SignInGuard {
  // Tries at once would pass each other before the first has failed: those of one account from one address take turns.
  const ofAccount = createTurns(1);
  const ofAddress = createTurns(triesAtOnceFromAddress);
  return {
    attempt: async ({ kind, account, address }, check, noteFailure) => {
      const tried = { kind, account: hashAccount(account), address: networkOf(address) };
      const accountKey = `${tried.account.toString('hex')}/${tried.address}`;
      if (Math.max(ofAccount.countOf(accountKey), ofAddress.countOf(tried.address)) >= mostWaiting)
        throw tooManyAtOnce();
      return ofAccount.take(accountKey, () =>
        ofAddress.take(tried.address, async () => {
          const failures = await scopes.inInstance((tx) => countFailures(tx, { ...tried, at: now() }));
          refuseWhenOver(failures, { kind, at: now() });
          const pauseMs = pauseFor(failures.for_account);
          if (pauseMs > 0) await pause(pauseMs);
          const result = await check();
          if (result === undefined) {
            await scopes.inInstance(async (tx) => {
              await putFailure(tx, { ...tried, at: now() });
              await noteFailure?.(tx);
            });
          } else if (failures.from_address_for_account > 0) await scopes.inInstance((tx) => forgetFailures(tx, tried));
          return result;
        }),
      );
    },
  };
}

/** What stands for an account in the tries: of its address, or of its id. */
export function hashAccount(account: string): Buffer {
  return createHash('sha256').update(account.normalize('NFKC').toLowerCase()).digest();
}

interface Tried {
  kind: SignInTry['kind'];
  account: Buffer;
  address: string;
}

interface Failures {
  from_address_for_account: number;
  from_address: number;
  codes_for_account: number;
  for_account: number;
  /** When the one began to count that the nearest limit waits for. */
  oldest_at: Date | null;
}

function refuseWhenOver(failures: Failures, { kind, at }: { kind: SignInTry['kind']; at: Date }): void {
  const isOver =
    failures.from_address_for_account >= mostFromAddressForAccount ||
    failures.from_address >= mostFromAddress ||
    (kind === 'code' && failures.codes_for_account >= mostCodesForAccount);
  if (isOver) throw tooManyFailures((failures.oldest_at ?? at).getTime() + windowMs - at.getTime());
}

function pauseFor(failures: number): number {
  return Math.min(Math.max(0, failures - failuresBeforeSlowing + 1) * slowingStepMs, longestPauseMs);
}

/** What counts at the moment. */
async function countFailures({ db }: InstanceTx, tried: Tried & { at: Date }): Promise<Failures> {
  const { kind, account, address, at } = tried;
  const since = new Date(at.getTime() - windowMs);
  const { rows } = await sql<Failures>`
    select count(*) filter (where here and mine)::int as from_address_for_account,
      count(*) filter (where here)::int as from_address,
      count(*) filter (where mine)::int as for_account,
      count(*) filter (where mine and kind = 'code')::int as codes_for_account,
      case when count(*) filter (where here and mine) >= ${mostFromAddressForAccount} then min(at) filter (where here and mine)
        when count(*) filter (where here) >= ${mostFromAddress} then min(at) filter (where here)
        else min(at) filter (where mine and kind = 'code') end as oldest_at
    from (
      select kind, at, address = ${address} as here, account_hash = ${account} and kind = ${kind} as mine
      from sign_in_attempts
      where (account_hash = ${account} or address = ${address}) and at > ${since}
    ) failures`.execute(db);
  const [failures] = rows;
  if (!failures) throw new Error('A count answers one row.');
  return failures;
}

async function putFailure({ db }: InstanceTx, { kind, account, address, at }: Tried & { at: Date }): Promise<void> {
  await sql`
    insert into sign_in_attempts (id, kind, account_hash, address, at)
    values (${newId()}, ${kind}, ${account}, ${address}, ${at})`.execute(db);
}

/** Whoever gets it right from an address was the one who had got it wrong there. */
async function forgetFailures({ db }: InstanceTx, { kind, account, address }: Tried): Promise<void> {
  await sql`
    delete from sign_in_attempts
    where account_hash = ${account} and address = ${address} and kind = ${kind}`.execute(db);
}

/** Deletes attempts that count no more; answers how many. */
export async function deleteOldAttempts({ db }: InstanceTx, now: Date): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from sign_in_attempts where at <= ${new Date(now.getTime() - windowMs)}`.execute(db);
  return Number(numAffectedRows ?? 0);
}

function tooManyFailures(waitMs: number): AppError {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1_000));
  return new AppError({
    code: 'RATE_LIMITED',
    message: `Too many failed attempts. Go on in ${retryAfterSeconds} s.`,
    retryAfterSeconds,
  });
}

function tooManyAtOnce(): AppError {
  return new AppError({
    code: 'RATE_LIMITED',
    message: 'Too many attempts wait to be checked. Go on in 5 s.',
    retryAfterSeconds: 5,
  });
}
