import { recordAccountEvent, recordEventOfAddress } from '#features/audit/index.ts';
import type { SignInGuard } from '#features/passwords/index.ts';
import { isPassword } from '#features/passwords/index.ts';
import { newId } from '#kernel/ids.ts';
import type { ActingRequest } from '#platform/access/principal.ts';
import type { FamilyToken, FamilyTokens } from '#platform/crypto/family-tokens.ts';
import { hashOpaqueToken } from '#platform/crypto/opaque-token.ts';
import type { InstanceTx, Scopes } from '#platform/db/scopes.ts';
import type { Log } from '#platform/log/log.ts';
import { type AccessTokens, accessTokenSeconds } from './access-tokens.ts';
import {
  findUser,
  findUserByEmail,
  getHome,
  type Home,
  holdUnchanged,
  type MakeOrganization,
  type UserRow,
} from './accounts.store.ts';
import type { ForgettingAuthenticator } from './authenticator.ts';
import { invalidCredentials, invalidMfaToken, invalidRefreshToken, mfaRequired, wrongCode } from './identity.errors.ts';
import { createSessionEndings, type SessionEndings } from './session-endings.ts';
import { endSessions, insertSession, lockSession, rotateSession } from './sessions.store.ts';
import { shapeUser, type UserView } from './shape-user.ts';

const sessionMs = 30 * 86_400_000;
/** How long a client that lost the answer gets it again. */
const graceMs = 10_000;

/** What signing in answers. */
export interface SessionView {
  user: UserView;
  access_token: string;
  refresh_token: string;
  expires_in: number;
  token_type: 'Bearer';
}

/** The request that signs in. */
export interface SignInOrigin extends ActingRequest {
  readonly userAgent: string | undefined;
}

/** Whether a code is a second factor's, and has not been used. */
export type CheckCode = (tx: InstanceTx, tried: { userId: string; code: string; at: Date }) => Promise<boolean>;

export interface SessionsOptions {
  scopes: Pick<Scopes, 'inInstance'>;
  tokens: AccessTokens;
  refreshTokens: FamilyTokens;
  guard: SignInGuard;
  checkCode: CheckCode;
  forget: ForgettingAuthenticator['forget'];
  makeOrganization: MakeOrganization;
  log: Pick<Log, 'warn'>;
  now: () => Date;
}

/** The use cases of signing in and of sessions. */
export interface SessionsService extends SessionEndings {
  /** Throws INVALID_CREDENTIALS, RATE_LIMITED, or MFA_REQUIRED where a code is needed and none was sent. */
  login(input: { email: string; password: string; mfa_code?: string }, origin: SignInOrigin): Promise<SessionView>;
  /** The second step. Throws INVALID_TOKEN, INVALID_CREDENTIALS, RATE_LIMITED. */
  loginWithCode(input: { mfa_token: string; code: string }, origin: SignInOrigin): Promise<SessionView>;
  /**
   * Exchanges a refresh token for its successor. A used one ends the session, unless the exchange was made within ten
   * seconds and the successor is unused: then it is answered again. Throws INVALID_TOKEN.
   */
  refresh(refreshToken: string | undefined, origin: ActingRequest): Promise<SessionView>;
  /** Begins a session of an account in the transaction. */
  open(tx: InstanceTx, user: UserRow, origin: SignInOrigin): Promise<OpenedSession>;
  /** The answer to a session that the committed transaction began. */
  answer(session: OpenedSession): Promise<SessionView>;
}

/** An account, with what its password was checked against. */
type CheckedUser = UserRow & { password_hash: string | null };

/** A session as its transaction leaves it. */
export interface OpenedSession {
  user: UserRow;
  sessionId: string;
  home: Home;
  refresh: FamilyToken;
}

export function createSessionsService(options: SessionsOptions): SessionsService {
  const { scopes, tokens, forget, log } = options;
  return {
    ...createSignIn(options),
    ...createSessionEndings(options),
    refresh: async (refreshToken, origin) => {
      if (!refreshToken) throw invalidRefreshToken();
      const exchanged = await scopes.inInstance((tx) => exchange(tx, { refreshToken, origin }, options));
      if (exchanged?.ended) {
        forget({ sessionId: exchanged.ended });
        log.warn({ session: exchanged.ended }, 'a used refresh token was presented: its session has ended');
      }
      if (!exchanged?.session) throw invalidRefreshToken();
      return answerSession(exchanged.session, tokens);
    },
  };
}

type SignIn = Pick<SessionsService, 'open' | 'answer' | 'login' | 'loginWithCode'>;

function createSignIn(options: SessionsOptions): SignIn {
  const { scopes, tokens, guard, now } = options;
  const open: SessionsService['open'] = (tx, user, origin) => openSession(tx, { user, origin }, options);
  const answer = (session: OpenedSession) => answerSession(session, tokens);
  /** The same statement whether or not there is an account, so that the two take as long. */
  const noteFailure = (email: string, request: ActingRequest) => (tx: InstanceTx) =>
    recordEventOfAddress(tx, email, { action: 'identity.login_failed', at: now(), request });
  const checkCode = async (user: UserRow, code: string, origin: SignInOrigin) => {
    const tried = { kind: 'code', account: user.id, address: origin.address } as const;
    const check = async () =>
      (await scopes.inInstance((tx) => options.checkCode(tx, { userId: user.id, code, at: now() }))) || undefined;
    if (!(await guard.attempt(tried, check, noteFailure(user.email, origin)))) throw wrongCode();
  };
  const begin = async (user: CheckedUser, origin: SignInOrigin) => {
    const session = await scopes.inInstance(async (tx) => (await holdUnchanged(tx, user)) && open(tx, user, origin));
    if (!session) throw invalidCredentials();
    return answer(session);
  };
  return {
    open,
    answer,
    login: async ({ email, password, mfa_code }, origin) => {
      const tried = { kind: 'password', account: email, address: origin.address } as const;
      const check = async () => {
        const found = await scopes.inInstance((tx) => findUserByEmail(tx, email));
        return (await isPassword(found?.password_hash, password)) ? found : undefined;
      };
      const user = await guard.attempt(tried, check, noteFailure(email, origin));
      if (!user) throw invalidCredentials();
      if (user.mfa_enabled_at) {
        if (mfa_code === undefined) throw mfaRequired(await tokens.signMfaToken({ userId: user.id }));
        await checkCode(user, mfa_code, origin);
      }
      return begin(user, origin);
    },
    loginWithCode: async ({ mfa_token, code }, origin) => {
      const { userId, issuedMs } = await tokens.verifyMfaToken(mfa_token);
      const user = await scopes.inInstance((tx) => findUser(tx, userId));
      const isStale = (user?.password_changed_at?.getTime() ?? 0) > issuedMs;
      if (!user?.mfa_enabled_at || isStale) throw invalidMfaToken();
      await checkCode(user, code, origin);
      return begin(user, origin);
    },
  };
}

async function openSession(
  tx: InstanceTx,
  { user, origin }: { user: UserRow; origin: SignInOrigin },
  options: SessionsOptions,
): Promise<OpenedSession> {
  const { refreshTokens, now } = options;
  const sessionId = newId();
  const refresh = refreshTokens.issue(sessionId, 0);
  const at = now();
  const { address, userAgent } = origin;
  const expiresAt = new Date(at.getTime() + sessionMs);
  await insertSession(tx, {
    id: sessionId,
    userId: user.id,
    tokenHash: refresh.hash,
    address,
    userAgent,
    now: at,
    expiresAt,
  });
  const home = await getHome(tx, { user, at }, options.makeOrganization);
  const { organizationId } = home;
  const target = `session:${sessionId}`;
  await recordAccountEvent(tx, {
    action: 'identity.login',
    at,
    target,
    userId: user.id,
    organizationId,
    request: origin,
  });
  return { user, sessionId, home, refresh };
}

async function answerSession(session: OpenedSession, tokens: AccessTokens): Promise<SessionView> {
  const { user, sessionId, home, refresh } = session;
  return {
    user: shapeUser(user),
    access_token: await tokens.sign({ userId: user.id, sessionId, ...home }),
    refresh_token: refresh.token,
    expires_in: accessTokenSeconds,
    token_type: 'Bearer',
  };
}

/** Takes a refresh token in and gives its successor; or ends the session, or answers nothing for a token of none. */
async function exchange(
  tx: InstanceTx,
  { refreshToken, origin }: { refreshToken: string; origin: ActingRequest },
  options: SessionsOptions,
): Promise<{ session?: OpenedSession; ended?: string } | undefined> {
  const { refreshTokens, now } = options;
  const at = now();
  const tokenHash = hashOpaqueToken(refreshToken);
  const named = refreshTokens.read(refreshToken);
  const found = await lockSession(tx, { tokenHash, family: named?.family, now: at });
  const user = found && (await findUser(tx, found.user_id));
  if (!user) return undefined;
  const { id: sessionId, refresh_count: count } = found;
  const isNewest = tokenHash.equals(found.refresh_token_hash);
  const next = refreshTokens.issue(sessionId, isNewest ? count + 1 : count);
  if (isNewest) {
    const expiresAt = new Date(at.getTime() + sessionMs);
    await rotateSession(tx, { id: sessionId, tokenHash: next.hash, now: at, expiresAt });
    return {
      session: { user, sessionId, home: await getHome(tx, { user, at }, options.makeOrganization), refresh: next },
    };
  }
  const isLostAnswer = named?.count === count - 1 && at.getTime() - (found.rotated_at?.getTime() ?? 0) < graceMs;
  if (isLostAnswer && next.hash.equals(found.refresh_token_hash)) {
    return {
      session: { user, sessionId, home: await getHome(tx, { user, at }, options.makeOrganization), refresh: next },
    };
  }
  await endSessions(tx, { userId: user.id, sessionId, reason: 'reuse', now: at });
  const { organizationId } = await getHome(tx, { user, at }, options.makeOrganization);
  const event = { action: 'identity.refresh_reused', at, target: `session:${sessionId}`, request: origin };
  await recordAccountEvent(tx, { ...event, userId: user.id, organizationId });
  return { ended: sessionId };
}
