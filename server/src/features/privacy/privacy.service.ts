import { setImmediate } from 'node:timers/promises';
import { recordAccountEvent } from '#features/audit/index.ts';
import { wrongCode } from '#features/identity/index.ts';
import type { SignInGuard } from '#features/passwords/index.ts';
import { type UserPrincipal, unauthenticated } from '#platform/access/principal.ts';
import type { InstanceTx, Scopes } from '#platform/db/scopes.ts';
import type { Person, PersonalData } from '#platform/privacy/personal-data.ts';
import { type ErasureNeeds, type ErasureStop, eraseAccount } from './erase-account.ts';
import { addressNeeded, codeNeeded, passwordNeeded } from './privacy.errors.ts';
import { type Account, findAccount, findAccountRow } from './privacy.store.ts';
import { writeExport } from './write-export.ts';

/** What shows that a deletion is meant by whom it concerns. */
interface Confirmation {
  password?: string;
  email?: string;
  code?: string;
}

/** The use cases of privacy. */
export interface PrivacyService {
  /** Everything held about the person, as JSON. Reads as it is read; a failure on the way is one of the iteration. */
  exportData(principal: UserPrincipal): Promise<{ exportedAt: Date; content: AsyncIterable<string> }>;
  /**
   * Throws INVALID_CREDENTIALS for a wrong password or code, VALIDATION_ERROR where one of them is missing, CONFLICT
   * where others depend on the account: no code is used up then. The account stands until all is erased: after any
   * failure the same can be asked again, and goes on with what is left.
   */
  deleteAccount(principal: UserPrincipal, confirmation: Confirmation): Promise<void>;
}

export interface PrivacyOptions extends ErasureNeeds {
  scopes: Pick<Scopes, 'inInstance'>;
  now: () => Date;
  /** Throws INVALID_CREDENTIALS unless it is the account's password. */
  confirmPassword: (principal: UserPrincipal, password: string) => Promise<void>;
  /** True for a code of the account's second factor, which is then used up. */
  checkCode: (tx: InstanceTx, asked: { userId: string; code: string; at: Date }) => Promise<boolean>;
  guard: SignInGuard;
  /** Has what is known of a user looked up anew. */
  forgetUser: (userId: string) => void;
}

/** Some 200 KB of JSON, and on the embedded database less than 20 ms. */
const rowsPerPage = 500;

export function createPrivacyService(options: PrivacyOptions): PrivacyService {
  const { scopes, now, personalData, forgetUser } = options;
  return {
    exportData: async (principal) => {
      const { userId, organizationId, request } = principal;
      const exportedAt = now();
      const account = await scopes.inInstance(async (tx) => {
        const row = await findAccountRow(tx, userId);
        if (!row) throw unauthenticated();
        const event = { action: 'privacy.export', at: exportedAt, target: `user:${userId}` };
        await recordAccountEvent(tx, { ...event, organizationId, userId, request });
        return row;
      });
      const sections = personalData.flatMap((data) =>
        data.list ? [{ name: data.section, pages: readPages(data, { userId, until: exportedAt, scopes }) }] : [],
      );
      return { exportedAt, content: writeExport({ exportedAt, account, sections }) };
    },
    deleteAccount: async (principal, confirmation) => {
      const { userId } = principal;
      const account = await scopes.inInstance((tx) => findAccount(tx, userId));
      if (!account) throw unauthenticated();
      await confirmOwner({ principal, account, confirmation }, options);
      const hasGivenCode = account.hasSecondFactor;
      const erase = (tx: InstanceTx, stop?: ErasureStop) =>
        eraseAccount(tx, { principal, at: now(), hasGivenCode, stop }, options);
      let stop = hasGivenCode
        ? await eraseWithCode({ principal, code: confirmation.code, erase }, options)
        : await scopes.inInstance((tx) => erase(tx));
      while (stop) {
        await setImmediate();
        const last = stop;
        stop = await scopes.inInstance((tx) => erase(tx, last));
      }
      forgetUser(userId);
    },
  };
}

interface Asked {
  principal: UserPrincipal;
  account: Account;
  confirmation: Confirmation;
}

async function confirmOwner(
  { principal, account, confirmation: { password, email } }: Asked,
  { confirmPassword }: PrivacyOptions,
): Promise<void> {
  if (account.hasPassword) {
    if (password === undefined) throw passwordNeeded();
    await confirmPassword(principal, password);
  } else if (email?.toLowerCase() !== account.email.toLowerCase()) {
    throw addressNeeded(account.email);
  }
}

interface Coded {
  principal: UserPrincipal;
  code: string | undefined;
  erase: (tx: InstanceTx) => Promise<ErasureStop | undefined>;
}

/** Takes the code in the transaction that erases, or begins to, so that a refusal uses none up. */
async function eraseWithCode(
  { principal, code, erase }: Coded,
  { scopes, now, guard, checkCode }: PrivacyOptions,
): Promise<ErasureStop | undefined> {
  if (code === undefined) throw codeNeeded();
  const { userId, request } = principal;
  const erased = await guard.attempt({ kind: 'code', account: userId, address: request?.address ?? '' }, () =>
    scopes.inInstance(async (tx) =>
      (await checkCode(tx, { userId, code, at: now() })) ? { stop: await erase(tx) } : undefined,
    ),
  );
  if (!erased) throw wrongCode();
  return erased.stop;
}

interface Reading extends Pick<PrivacyOptions, 'scopes'> {
  userId: string;
  until: Date;
}

/** The rows of a section, each page in a short transaction of its own. Throws where the account ends on the way. */
async function* readPages(data: PersonalData, { userId, until, scopes }: Reading): AsyncGenerator<readonly object[]> {
  let after: object | undefined;
  do {
    const position = { after, limit: rowsPerPage, until };
    const rows = await scopes.inInstance(async (tx) => {
      const person: Person | undefined = await findAccount(tx, userId);
      if (!person) throw unauthenticated();
      return (await data.list?.(tx, person, position)) ?? [];
    });
    yield rows;
    after = rows.length < rowsPerPage ? undefined : rows.at(-1);
  } while (after);
}
