import { generateSecret, generateURI } from 'otplib';
import { recordAccountEvent } from '#features/audit/index.ts';
import { isPassword, type SignInGuard } from '#features/passwords/index.ts';
import type { ActingRequest, UserPrincipal } from '#platform/access/principal.ts';
import type { Sealer } from '#platform/crypto/seal.ts';
import type { InstanceTx, Scopes } from '#platform/db/scopes.ts';
import { boundTo, type CheckCode } from './check-code.ts';
import { findStep } from './find-step.ts';
import { hashRecoveryCode, makeRecoveryCodes } from './make-recovery-codes.ts';
import { alreadyOn, notOn, notSetUp, wrongPasswordOrCode, wrongSetupCode } from './mfa.errors.ts';
import { type FactorRow, findFactor, insertRecoveryCodes, putSecret, turnOff, turnOn } from './mfa.store.ts';
import { readCode } from './read-code.ts';
import { renderQrCode } from './render-qr-code.ts';

const issuer = 'Almanac';
/** The recommended length (RFC 4226, 4: 160 bits). */
const secretBytes = 20;
/** What an authenticator has room for; a longer address would only make the QR code finer. */
const longestLabel = 100;

/** Who asks, and from where. */
export interface Actor {
  readonly principal: UserPrincipal;
  readonly origin: ActingRequest;
}

/** A second factor to put into an authenticator. */
export interface MfaSetup {
  otpauth_uri: string;
  qr_svg: string;
  /** Base32. */
  secret: string;
}

/** The use cases of an account's second factor. */
export interface MfaService {
  /** Makes a secret, in place of one that was made before and not put in force. Throws CONFLICT where one is in force. */
  setUp(actor: Actor): Promise<MfaSetup>;
  /** Puts the secret in force; answers the recovery codes. Throws VALIDATION_ERROR, CONFLICT, RATE_LIMITED. */
  enable(actor: Actor, code: string): Promise<string[]>;
  /**
   * Takes the password and a code; an account without a password has proved itself to its issuer, and gives the code
   * alone. Throws INVALID_CREDENTIALS, CONFLICT, RATE_LIMITED.
   */
  disable(actor: Actor, given: { password: string; code: string }): Promise<void>;
}

export interface MfaServiceNeeds {
  scopes: Pick<Scopes, 'inInstance'>;
  sealer: Sealer;
  guard: SignInGuard;
  now: () => Date;
  /** Under which recovery codes are hashed. */
  recoveryKey: Buffer;
  checkCode: CheckCode;
  /** Told of an account whose second factor went on or off. */
  forgetUser: (userId: string) => void;
}

export function createMfaService(needs: MfaServiceNeeds): MfaService {
  const { scopes, sealer, guard, now, checkCode, forgetUser } = needs;
  return {
    setUp: async (actor) => {
      const { userId } = actor.principal;
      const secret = generateSecret({ length: secretBytes });
      const email = await scopes.inInstance(async (tx) => {
        const kept = await putSecret(tx, { userId, sealed: sealer.seal(secret, boundTo(userId)) });
        if (!kept) throw alreadyOn();
        await recordOwn(tx, actor, { action: 'mfa.setUp', at: now() });
        return kept.email;
      });
      const uri = generateURI({ issuer, label: [...email].slice(0, longestLabel).join(''), secret });
      return { otpauth_uri: uri, qr_svg: renderQrCode(uri), secret };
    },
    enable: async (actor, code) => {
      const { userId } = actor.principal;
      const codes = await guard.attempt({ kind: 'code', account: userId, address: actor.origin.address }, () =>
        scopes.inInstance((tx) => enableWithCode(tx, { actor, code }, needs)),
      );
      if (!codes) throw wrongSetupCode();
      forgetUser(userId);
      return codes;
    },
    disable: async (actor, { password, code }) => {
      const { userId } = actor.principal;
      const factor = await scopes.inInstance((tx) => findFactor(tx, userId));
      if (!factor?.mfa_enabled_at) throw notOn();
      const isPasswordRight = await checkPassword(factor, { actor, password }, guard);
      const isOff = await guard.attempt({ kind: 'code', account: userId, address: actor.origin.address }, () =>
        scopes.inInstance(async (tx) => {
          if (!(await checkCode(tx, { userId, code, at: now() }))) return undefined;
          // Only now, so that no time tells the two apart; and thrown, so that a mistyped password uses no code up.
          if (!isPasswordRight) throw wrongPasswordOrCode();
          await turnOff(tx, userId);
          await recordOwn(tx, actor, { action: 'mfa.disable', at: now() });
          return true;
        }),
      );
      if (!isOff) throw wrongPasswordOrCode();
      forgetUser(userId);
    },
  };
}

/** Undefined where the code is wrong. */
async function enableWithCode(
  tx: InstanceTx,
  { actor, code }: { actor: Actor; code: string },
  { sealer, now, recoveryKey }: MfaServiceNeeds,
): Promise<string[] | undefined> {
  const { userId } = actor.principal;
  const at = now();
  const factor = await findFactor(tx, userId);
  if (factor?.mfa_enabled_at) throw alreadyOn();
  const sealed = factor?.mfa_secret;
  if (!sealed) throw notSetUp();
  const { kind, text } = readCode(code);
  const step = kind === 'totp' ? findStep({ secret: sealer.open(sealed, boundTo(userId)), code: text, at }) : undefined;
  if (step === undefined) return undefined;
  if (!(await turnOn(tx, { userId, sealed, step, at }))) throw alreadyOn();
  const codes = makeRecoveryCodes();
  const hashes = codes.map((made) => hashRecoveryCode(recoveryKey, { userId, text: readCode(made).text }));
  await insertRecoveryCodes(tx, { userId, hashes });
  await recordOwn(tx, actor, { action: 'mfa.enable', at });
  return codes;
}

async function checkPassword(
  { email, password_hash }: FactorRow,
  { actor, password }: { actor: Actor; password: string },
  guard: SignInGuard,
): Promise<boolean> {
  if (password_hash === null) return true;
  const tried = { kind: 'password', account: email, address: actor.origin.address } as const;
  const isRight = await guard.attempt(tried, async () => (await isPassword(password_hash, password)) || undefined);
  return isRight ?? false;
}

function recordOwn(
  tx: InstanceTx,
  { principal, origin }: Actor,
  { action, at }: { action: string; at: Date },
): Promise<void> {
  const { userId, organizationId } = principal;
  return recordAccountEvent(tx, { organizationId, userId, action, at, target: `user:${userId}`, request: origin });
}
