/** A row of `mfa_recovery_codes`. */
export interface RecoveryCodeTable {
  user_id: string;
  code_hash: Buffer;
  used_at: Date | null;
}

declare module '#platform/db/tables.ts' {
  interface Tables {
    mfa_recovery_codes: RecoveryCodeTable;
  }
}
