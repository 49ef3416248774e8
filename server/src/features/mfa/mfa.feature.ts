import type { FastifyInstance } from 'fastify';
import type { SignInGuard } from '#features/passwords/index.ts';
import type { Config } from '#platform/config/config.ts';
import { deriveKey } from '#platform/crypto/derive-key.ts';
import type { Sealer } from '#platform/crypto/seal.ts';
import type { InstanceTx, Scopes } from '#platform/db/scopes.ts';
import { type CheckCode, createCheckCode } from './check-code.ts';
import { addMfaRoutes } from './mfa.routes.ts';
import { createMfaService } from './mfa.service.ts';
import { turnOff } from './mfa.store.ts';

interface MfaNeeds {
  config: Pick<Config, 'encryptionKey'>;
  scopes: Pick<Scopes, 'inInstance'>;
  sealer: Sealer;
  guard: SignInGuard;
  now: () => Date;
  /** Told of an account whose second factor went on or off, once that stands. */
  forgetUser?: (userId: string) => void;
}

/** The second factor of accounts: TOTP (RFC 6238), with recovery codes for whoever has lost the authenticator. */
export interface MfaFeature {
  /**
   * True for a code of the account, which is then used up: six digits are one of the authenticator, anything else a
   * recovery code. Where the second factor is off no code is right. Call it under the sign-in guard. Throws where the
   * secret does not open: it was moved here from another account, or ENCRYPTION_KEY is another.
   */
  readonly checkCode: CheckCode;
  /** Turns the second factor of an account off, and forgets its recovery codes. */
  turnOff(tx: InstanceTx, userId: string): Promise<void>;
  addRoutes(app: FastifyInstance): void;
}

export function createMfaFeature(needs: MfaNeeds): MfaFeature {
  const { config, forgetUser = () => undefined } = needs;
  // Not of JWT_SECRET: changing that ends sessions, and must not leave people without their recovery codes.
  const recoveryKey = deriveKey(config.encryptionKey, 'mfa recovery codes');
  const checkCode = createCheckCode({ sealer: needs.sealer, recoveryKey });
  const service = createMfaService({ ...needs, recoveryKey, checkCode, forgetUser });
  return { checkCode, turnOff, addRoutes: (app) => addMfaRoutes(app, service) };
}
