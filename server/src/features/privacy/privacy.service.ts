import { recordAccountEvent } from '#features/audit/index.ts';
import { type UserPrincipal, unauthenticated } from '#platform/access/principal.ts';
import type { Scopes } from '#platform/db/scopes.ts';
import type { Person, PersonalData } from '#platform/privacy/personal-data.ts';
import { type ErasureNeeds, eraseAccount } from './erase-account.ts';
import { addressNeeded, passwordNeeded } from './privacy.errors.ts';
import { findAccount, findAccountRow } from './privacy.store.ts';
import { writeExport } from './write-export.ts';

/** What shows that a deletion is meant by whom it concerns. */
interface Confirmation {
  password?: string;
  email?: string;
}

/** The use cases of privacy. */
export interface PrivacyService {
  /** Everything held about the person, as JSON. Reads as it is read; a failure on the way is one of the iteration. */
  exportData(principal: UserPrincipal): Promise<{ exportedAt: Date; content: AsyncIterable<string> }>;
  /** Throws INVALID_CREDENTIALS for a wrong password, CONFLICT where others depend on the account. */
  deleteAccount(principal: UserPrincipal, confirmation: Confirmation): Promise<void>;
}

export interface PrivacyOptions extends ErasureNeeds {
  scopes: Pick<Scopes, 'inInstance'>;
  now: () => Date;
  /** Throws INVALID_CREDENTIALS unless it is the account's password. */
  confirmPassword: (principal: UserPrincipal, password: string) => Promise<void>;
  /** Has what is known of a user looked up anew. */
  forgetUser: (userId: string) => void;
}

/** Some 200 KB of JSON, and on the embedded database less than 20 ms. */
const rowsPerPage = 500;

export function createPrivacyService(options: PrivacyOptions): PrivacyService {
  const { scopes, now, personalData, confirmPassword, forgetUser } = options;
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
    deleteAccount: async (principal, { password, email }) => {
      const { userId } = principal;
      const account = await scopes.inInstance((tx) => findAccount(tx, userId));
      if (!account) throw unauthenticated();
      if (account.hasPassword) {
        if (password === undefined) throw passwordNeeded();
        await confirmPassword(principal, password);
      } else if (email?.toLowerCase() !== account.email.toLowerCase()) {
        throw addressNeeded(account.email);
      }
      await scopes.inInstance((tx) => eraseAccount(tx, { principal, at: now() }, options));
      forgetUser(userId);
    },
  };
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
