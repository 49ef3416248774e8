import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { accountTypes } from '@almanac/contract/identity.ts';
import { newId } from '#kernel/ids.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import { isUniqueViolation } from '#platform/db/faults.ts';
import type { InstanceTx, Scopes } from '#platform/db/scopes.ts';
import { notFound } from '#platform/errors/app-error.ts';
import { type AccessTokens, accessTokenSeconds } from './access-tokens.ts';
import { emailTaken, invalidCredentials, invalidRefreshToken, setupTokenNeeded } from './identity.errors.ts';
import {
  findHomeOrganization,
  findUser,
  findUserByEmail,
  insertSession,
  insertUser,
  isFirstAccount,
  putMembership,
  revokeSession,
  rotateSession,
  type UserRow,
} from './identity.store.ts';
import { hashPassword, isPassword } from './passwords.ts';

const sessionDays = 30;

/** An account as its owner sees it. */
export type UserView = Omit<UserRow, 'created_at'> & { created_at: string };

/** What signing in answers. */
export interface SessionView {
  user: UserView;
  access_token: string;
  refresh_token: string;
  expires_in: number;
  token_type: 'Bearer';
}

interface Registration {
  email: string;
  password: string;
  name?: string;
  account_type?: (typeof accountTypes)[number];
  organization_name?: string;
  setup_token?: string;
}

/** The use cases of accounts and sessions. */
export interface IdentityService {
  /** Makes the account, an organization of its own and a session. Throws CONFLICT for a taken address. */
  register(input: Registration): Promise<SessionView>;
  /** Throws INVALID_CREDENTIALS. */
  login(input: { email: string; password: string }): Promise<SessionView>;
  /** Exchanges a refresh token; of concurrent uses of one token exactly one succeeds. Throws INVALID_TOKEN. */
  refresh(refreshToken: string | undefined): Promise<SessionView>;
  logout(principal: UserPrincipal): Promise<void>;
  getProfile(principal: UserPrincipal): Promise<UserView>;
}

export interface IdentityServiceOptions {
  scopes: Pick<Scopes, 'inInstance'>;
  tokens: AccessTokens;
  /** Told of a session that has ended. */
  forgetSession: (sessionId: string) => void;
  now: () => Date;
  /** What the first account must bring; undefined where none is asked. */
  setupToken: string | undefined;
  /** Makes an organization in the transaction; answers its id. */
  makeOrganization: (tx: InstanceTx, organization: { name: string }) => Promise<string>;
  /** The organization that the first account owns too. */
  localOrganizationId: string;
}

export function createIdentityService(options: IdentityServiceOptions): IdentityService {
  const { scopes, now } = options;
  return {
    register: async (input) => {
      const passwordHash = await hashPassword(input.password);
      try {
        return await scopes.inInstance(async (tx) => {
          const { user, organizationId } = await makeAccount(tx, { input, passwordHash }, options);
          return openSession(tx, { user, organizationId }, options);
        });
      } catch (error) {
        throw isUniqueViolation(error, 'users_email_key') ? emailTaken(input.email) : error;
      }
    },
    login: async ({ email, password }) => {
      const found = await scopes.inInstance((tx) => findUserByEmail(tx, email));
      const matches = await isPassword(found?.password_hash, password);
      if (!found || !matches) throw invalidCredentials();
      const { password_hash: _, ...user } = found;
      return scopes.inInstance((tx) => openSession(tx, { user }, options));
    },
    refresh: async (refreshToken) => {
      if (!refreshToken) throw invalidRefreshToken();
      const next = newRefreshToken();
      const renewed = await scopes.inInstance(async (tx) => {
        const session = await rotateSession(tx, { oldHash: hashToken(refreshToken), newHash: next.hash, now: now() });
        const user = session && (await findUser(tx, session.user_id));
        return user && { user, sessionId: session.id, organizationId: await getHomeOrganization(tx, user.id) };
      });
      if (!renewed) throw invalidRefreshToken();
      return shapeSession({ ...renewed, refreshToken: next.token }, options);
    },
    logout: async ({ sessionId }) => {
      if (!sessionId) return;
      await scopes.inInstance((tx) => revokeSession(tx, sessionId, now()));
      options.forgetSession(sessionId);
    },
    getProfile: async ({ userId }) => {
      const user = await scopes.inInstance((tx) => findUser(tx, userId));
      if (!user) throw notFound('user', userId);
      return shapeUser(user);
    },
  };
}

async function makeAccount(
  tx: InstanceTx,
  { input, passwordHash }: { input: Registration; passwordHash: string },
  options: IdentityServiceOptions,
): Promise<{ user: UserRow; organizationId: string }> {
  const isFirst = await isFirstAccount(tx);
  const { setupToken } = options;
  if (isFirst && setupToken !== undefined && !isSame(input.setup_token ?? '', setupToken)) throw setupTokenNeeded();
  const name = input.name ?? input.email.split('@')[0] ?? input.email;
  const user = await insertUser(tx, {
    id: newId(),
    email: input.email,
    name,
    passwordHash,
    accountType: input.account_type ?? 'standard',
    isInstanceAdmin: isFirst,
  });
  const organizationId = await options.makeOrganization(tx, {
    name: input.organization_name ?? `${name}’s organization`,
  });
  await putMembership(tx, { organizationId, userId: user.id, role: 'owner' });
  if (isFirst) await putMembership(tx, { organizationId: options.localOrganizationId, userId: user.id, role: 'owner' });
  return { user, organizationId };
}

/** Compares in a time that does not depend on where the two differ. */
function isSame(given: string, wanted: string): boolean {
  return timingSafeEqual(hashToken(given), hashToken(wanted));
}

async function getHomeOrganization(tx: InstanceTx, userId: string): Promise<string> {
  const organizationId = await findHomeOrganization(tx, userId);
  if (!organizationId) throw notFound('organization of user', userId);
  return organizationId;
}

async function openSession(
  tx: InstanceTx,
  { user, organizationId }: { user: UserRow; organizationId?: string },
  options: IdentityServiceOptions,
): Promise<SessionView> {
  const { token, hash } = newRefreshToken();
  const sessionId = newId();
  const expiresAt = new Date(options.now().getTime() + sessionDays * 86_400_000);
  await insertSession(tx, { id: sessionId, userId: user.id, tokenHash: hash, expiresAt });
  const home = organizationId ?? (await getHomeOrganization(tx, user.id));
  return shapeSession({ user, sessionId, organizationId: home, refreshToken: token }, options);
}

interface OpenedSession {
  user: UserRow;
  sessionId: string;
  organizationId: string;
  refreshToken: string;
}

async function shapeSession(opened: OpenedSession, { tokens }: IdentityServiceOptions): Promise<SessionView> {
  const { user, sessionId, organizationId, refreshToken } = opened;
  return {
    user: shapeUser(user),
    access_token: await tokens.sign({ userId: user.id, sessionId, organizationId }),
    refresh_token: refreshToken,
    expires_in: accessTokenSeconds,
    token_type: 'Bearer',
  };
}

function shapeUser(user: UserRow): UserView {
  return { ...user, created_at: user.created_at.toISOString() };
}

function newRefreshToken(): { token: string; hash: Buffer } {
  const token = randomBytes(32).toString('base64url');
  return { token, hash: hashToken(token) };
}

/** Refresh tokens are 256 random bits, so a plain hash of them cannot be guessed back. */
function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
