import { createHash, timingSafeEqual } from 'node:crypto';
import { recordAccountEvent } from '#features/audit/index.ts';
import { hashPassword, isPassword, refuseWeakPassword, type SignInGuard } from '#features/passwords/index.ts';
import { newId } from '#kernel/ids.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import { isMailAddress } from '#platform/config/takers.ts';
import { isUniqueViolation } from '#platform/db/faults.ts';
import type { InstanceTx, Scopes } from '#platform/db/scopes.ts';
import { notFound, validationFailed } from '#platform/errors/app-error.ts';
import { refuseOtherChanges } from '#platform/http/refuse-other-changes.ts';
import {
  findUser,
  findUserByEmail,
  findUserByIdentity,
  insertIdentity,
  insertUser,
  isFirstAccount,
  type MakeOrganization,
  putMembership,
  putOwnOrganization,
  setPassword,
  type UserRow,
  updateUser,
} from './accounts.store.ts';
import type { ForgettingAuthenticator } from './authenticator.ts';
import { emailTaken, noPasswordToChange, setupTokenNeeded, wrongPassword } from './identity.errors.ts';
import type { RecoveryService } from './recovery.service.ts';
import type { SessionsService, SessionView, SignInOrigin } from './sessions.service.ts';
import { endSessions } from './sessions.store.ts';
import { shapeUser, type UserView } from './shape-user.ts';

interface Registration {
  email: string;
  password: string;
  name?: string;
  account_type?: UserRow['account_type'];
  organization_name?: string;
  setup_token?: string;
}

/** Somebody as an outside issuer describes them. */
export interface OutsideClaims {
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | undefined;
  readonly isEmailVerified: boolean;
  readonly name: string | undefined;
}

/** What the server sets may be sent back as it was read. */
interface ProfileChange extends Partial<UserView> {
  preferences?: Record<string, unknown>;
}

/** An account with its preferences, as its owner sees it. */
export type ProfileView = UserView & { preferences: Record<string, unknown> };

/** The use cases of accounts. */
export interface AccountsService {
  /** Makes the account, an organization of its own and a session. Throws CONFLICT for a taken address. */
  register(input: Registration, origin: SignInOrigin): Promise<SessionView>;
  /** The account of an outside issuer's subject, made at first sight; never matched by e-mail. Answers its id. */
  putOutsideAccount(claims: OutsideClaims): Promise<string>;
  getProfile(principal: UserPrincipal): Promise<ProfileView>;
  updateProfile(principal: UserPrincipal, change: ProfileChange): Promise<ProfileView>;
  /** Ends the other sessions. Throws INVALID_CREDENTIALS for a wrong current password. */
  changePassword(principal: UserPrincipal, change: { current_password: string; password: string }): Promise<void>;
  /** Throws INVALID_CREDENTIALS unless it is the account's password. */
  confirmPassword(principal: UserPrincipal, password: string): Promise<void>;
}

export interface AccountsOptions {
  scopes: Pick<Scopes, 'inInstance'>;
  sessions: Pick<SessionsService, 'open' | 'answer'>;
  recovery: Pick<RecoveryService, 'mailVerification' | 'mailPasswordChanged' | 'deliverSoon'>;
  guard: SignInGuard;
  forget: ForgettingAuthenticator['forget'];
  now: () => Date;
  /** What the first account must bring; undefined where none is asked. */
  setupToken: string | undefined;
  makeOrganization: MakeOrganization;
  /** The organization that the first account owns too. */
  localOrganizationId: string;
}

const maxPreferencesBytes = 16_384;
const changedElsewhere = {
  subscription_tier: 'change it at POST /users/upgrade',
  mfa_enabled: 'change it at POST /auth/mfa/setup or /auth/mfa/disable',
};

export function createAccountsService(options: AccountsOptions): AccountsService {
  const { scopes, sessions, recovery, now } = options;
  return {
    register: async (input, origin) => {
      refuseUnreachable(input.email);
      await refuseWeakPassword(input.password, { field: 'password', email: input.email });
      const passwordHash = await hashPassword(input.password);
      const begun = await refuseTaken(input.email, () =>
        scopes.inInstance(async (tx) => {
          const user = await makeFullAccount(tx, { input, passwordHash, origin }, options);
          await recovery.mailVerification(tx, user);
          return sessions.open(tx, user, origin);
        }),
      );
      recovery.deliverSoon();
      return sessions.answer(begun);
    },
    putOutsideAccount: (claims) => putOutsideAccount(claims, options),
    getProfile: async ({ userId }) => {
      const user = await scopes.inInstance((tx) => findUser(tx, userId));
      if (!user) throw notFound('user', userId);
      return { ...shapeUser(user), preferences: user.preferences };
    },
    updateProfile: async (principal, { name, preferences, ...sent }) => {
      if (Buffer.byteLength(JSON.stringify(preferences ?? {})) > maxPreferencesBytes) {
        throw validationFailed([{ field: 'preferences', issue: 'takes more than 16 KiB' }]);
      }
      const { userId, organizationId, request } = principal;
      const user = await scopes.inInstance(async (tx) => {
        const changed = await updateUser(tx, { id: userId, name, preferences });
        if (!changed) throw notFound('user', userId);
        refuseOtherChanges({ current: shapeUser(changed), sent, changedElsewhere });
        const fields = Object.keys({ ...(name && { name }), ...(preferences && { preferences }) });
        if (fields.length === 0) return changed;
        const event = { action: 'identity.updateProfile', at: now(), target: `user:${userId}`, details: { fields } };
        await recordAccountEvent(tx, { ...event, userId, organizationId, request });
        return changed;
      });
      return { ...shapeUser(user), preferences: user.preferences };
    },
    changePassword: async (principal, { current_password, password }) => {
      const user = await confirm(principal, current_password, options);
      await refuseWeakPassword(password, { field: 'password', email: user.email });
      const passwordHash = await hashPassword(password);
      const { userId, sessionId, organizationId, request } = principal;
      await scopes.inInstance(async (tx) => {
        const at = now();
        const isSet = await setPassword(tx, { userId, passwordHash, instead: user.password_hash, now: at });
        if (!isSet) throw wrongPassword();
        const ended = await endSessions(tx, { userId, exceptId: sessionId, reason: 'password', now: at });
        const event = { action: 'identity.changePassword', at, target: `user:${userId}` };
        await recordAccountEvent(tx, {
          ...event,
          details: { sessions: ended.length },
          userId,
          organizationId,
          request,
        });
        await recovery.mailPasswordChanged(tx, user);
      });
      options.forget({ userId });
      recovery.deliverSoon();
    },
    confirmPassword: async (principal, password) => void (await confirm(principal, password, options)),
  };
}

async function confirm({ userId, request }: UserPrincipal, password: string, options: AccountsOptions) {
  const user = await options.scopes.inInstance((tx) => findUser(tx, userId));
  if (!user?.password_hash) throw noPasswordToChange();
  const tried = { kind: 'password', account: user.email, address: request?.address ?? '' } as const;
  const isRight = await options.guard.attempt(
    tried,
    async () => (await isPassword(user.password_hash, password)) || undefined,
  );
  if (!isRight) throw wrongPassword();
  return user;
}

interface FullAccount {
  input: Registration;
  passwordHash: string;
  origin: SignInOrigin;
}

async function makeFullAccount(
  tx: InstanceTx,
  { input, passwordHash, origin }: FullAccount,
  options: AccountsOptions,
): Promise<UserRow> {
  const isFirst = await isFirstAccount(tx);
  const { setupToken, localOrganizationId, now } = options;
  if (isFirst && setupToken !== undefined && !isSame(input.setup_token ?? '', setupToken)) throw setupTokenNeeded();
  const name = input.name ?? input.email.split('@')[0] ?? input.email;
  const { user, organizationId } = await makeAccount(
    tx,
    {
      email: input.email,
      name,
      passwordHash,
      ...(input.account_type ? { accountType: input.account_type } : {}),
      isInstanceAdmin: isFirst,
      emailVerifiedAt: null,
      organizationName: input.organization_name,
    },
    options,
  );
  const at = now();
  if (isFirst) await putMembership(tx, { organizationId: localOrganizationId, userId: user.id, role: 'owner', at });
  const event = { action: 'identity.register', at, target: `user:${user.id}`, request: origin };
  await recordAccountEvent(tx, { ...event, userId: user.id, organizationId });
  return user;
}

type NewAccount = Omit<Parameters<typeof insertUser>[1], 'id' | 'createdAt'> & { organizationName: string | undefined };

/** An account, the organization made with it, and its membership there. */
async function makeAccount(
  tx: InstanceTx,
  { organizationName, ...fields }: NewAccount,
  { makeOrganization, now }: AccountsOptions,
): Promise<{ user: UserRow; organizationId: string }> {
  const at = now();
  const user = await insertUser(tx, { ...fields, id: newId(), createdAt: at });
  const organizationId = await putOwnOrganization(tx, { user, name: organizationName, at }, makeOrganization);
  return { user, organizationId };
}

async function putOutsideAccount(claims: OutsideClaims, options: AccountsOptions): Promise<string> {
  const { issuer, subject } = claims;
  const { scopes, now } = options;
  const known = await scopes.inInstance((tx) => findUserByIdentity(tx, { issuer, subject }));
  if (known?.has_home) return known.id;
  if (known) {
    await scopes.inInstance((tx) => putOwnOrganization(tx, { user: known, at: now() }, options.makeOrganization));
    return known.id;
  }
  try {
    return await scopes.inInstance(async (tx) => {
      const email = await chooseEmail(tx, claims);
      const name = claims.name ?? email.split('@')[0] ?? email;
      const { user, organizationId } = await makeAccount(
        tx,
        {
          email,
          name,
          passwordHash: null,
          isInstanceAdmin: false,
          emailVerifiedAt: email === claims.email ? now() : null,
          organizationName: undefined,
        },
        options,
      );
      const at = now();
      await insertIdentity(tx, { issuer, subject, user_id: user.id, created_at: at });
      const event = { action: 'identity.register', at, target: `user:${user.id}`, details: { issuer } };
      await recordAccountEvent(tx, { ...event, userId: user.id, organizationId });
      return user.id;
    });
  } catch (error) {
    if (!isUniqueViolation(error, 'user_identities_pkey') && !isUniqueViolation(error, 'users_email_key')) throw error;
    // Two requests met the person at once: the other one's account stands.
    const made = await scopes.inInstance((tx) => findUserByIdentity(tx, { issuer, subject }));
    if (!made) throw error;
    return made.id;
  }
}

/** The issuer's address where it vouches for it and nobody has it here; else one that reaches nobody and is nobody's. */
async function chooseEmail(
  tx: InstanceTx,
  { issuer, subject, email, isEmailVerified }: OutsideClaims,
): Promise<string> {
  const isFree = email !== undefined && isEmailVerified && !(await findUserByEmail(tx, email));
  if (isFree) return email;
  const name = createHash('sha256')
    .update(JSON.stringify([issuer, subject]))
    .digest('hex')
    .slice(0, 32);
  return `${name}@outside.almanac.invalid`;
}

async function refuseTaken<T>(email: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isUniqueViolation(error, 'users_email_key') ? emailTaken(email) : error;
  }
}

/** Where nobody reads mail, and the names that are kept for accounts without an address. */
function refuseUnreachable(email: string): void {
  if (isMailAddress(email) && !/[.@]almanac\.invalid$/i.test(email)) return;
  throw validationFailed([{ field: 'email', issue: `is no address that mail reaches (got '${email}')` }]);
}

/** Compares in a time that does not depend on where the two differ. */
function isSame(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
