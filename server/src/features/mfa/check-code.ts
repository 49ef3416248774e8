import type { Sealer } from '#platform/crypto/seal.ts';
import type { InstanceTx } from '#platform/db/scopes.ts';
import { findStep } from './find-step.ts';
import { hashRecoveryCode } from './make-recovery-codes.ts';
import { findFactor, takeRecoveryCode, takeStep } from './mfa.store.ts';
import { readCode } from './read-code.ts';

/** A code that somebody typed, and whose it should be. */
export interface CodeToCheck {
  readonly userId: string;
  /** As it was typed. */
  readonly code: string;
  readonly at: Date;
}

/** Takes a code of an account whose second factor is on; see `MfaFeature.checkCode`. */
export type CheckCode = (tx: InstanceTx, asked: CodeToCheck) => Promise<boolean>;

interface CheckCodeNeeds {
  sealer: Pick<Sealer, 'open'>;
  recoveryKey: Buffer;
}

/** No step is before it, so taking it always fails. */
const noStep = -1;

export function createCheckCode({ sealer, recoveryKey }: CheckCodeNeeds): CheckCode {
  return async (tx, { userId, code, at }) => {
    const factor = await findFactor(tx, userId);
    const sealed = factor?.mfa_secret;
    if (!sealed || !factor.mfa_enabled_at) return false;
    const { kind, text } = readCode(code);
    if (kind === 'recovery') {
      return takeRecoveryCode(tx, { userId, hash: hashRecoveryCode(recoveryKey, { userId, text }), at });
    }
    const step = findStep({ secret: sealer.open(sealed, boundTo(userId)), code: text, at });
    // A wrong code takes the same statements as a right one.
    return takeStep(tx, { userId, sealed, step: step ?? noStep });
  };
}

/** What an account's secret is sealed to: in another's row it does not open. */
export function boundTo(userId: string): string {
  return `mfa:${userId}`;
}
