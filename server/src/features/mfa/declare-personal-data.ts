import { columnsOf, type PersonalData } from '#platform/privacy/personal-data.ts';

interface CodeRow {
  used_at: Date | null;
}

/** The recovery codes. Whether there is a second factor stands with the account; all of it goes with the account's row. */
export const mfaPersonalData: PersonalData<CodeRow> = {
  section: 'recovery_codes',
  covers: [
    ...columnsOf('users', ['mfa_secret', 'mfa_enabled_at', 'mfa_last_step']),
    ...columnsOf('mfa_recovery_codes', ['user_id', 'code_hash', 'used_at']),
  ],
  // Ten at most; and without the codes there is nothing that a page could go on from.
  list: async ({ db }, { userId }, { after }) =>
    after
      ? []
      : db
          .selectFrom('mfa_recovery_codes')
          .select('used_at')
          .where('user_id', '=', userId)
          .orderBy('used_at', (order) => order.asc().nullsLast())
          .execute(),
};
