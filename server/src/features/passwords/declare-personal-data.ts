import { sql } from 'kysely';
import { columnsOf, type PersonalData } from '#platform/privacy/personal-data.ts';
import { hashAccount } from './sign-in-guard.ts';

/** Failed tries to sign in, kept 15 minutes; who made them is not known, so they are not handed out. */
export const signInPersonalData: PersonalData = {
  section: 'sign_in_attempts',
  covers: columnsOf('sign_in_attempts', ['account_hash', 'address']),
  erase: async ({ db }, { userId, email }) => {
    const accounts = [hashAccount(email), hashAccount(userId)];
    await sql`delete from sign_in_attempts where account_hash in (${sql.join(accounts)})`.execute(db);
  },
};
