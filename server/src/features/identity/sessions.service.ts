import { recordAccountEvent, recordEventOfAddress } from '#features/audit/index.ts';
import type { SignInGuard } from '#features/passwords/index.ts';
import { isPassword } from '#features/passwords/index.ts';
import { newId } from '#kernel/ids.ts';
import type { ActingRequest, UserPrincipal } from '#platform/access/principal.ts';
import type { InstanceTx, Scopes } from '#platform/db/scopes.ts';
import { notFound } from '#platform/errors/app-error.ts';
import type { Log } from '#platform/log/log.ts';
import { type AccessTokens, accessTokenSeconds } from './access-tokens.ts';
import { findHome, findUser, findUserByEmail, holdUser, putMembership, type UserRow } from './accounts.store.ts';
import type { ForgettingAuthenticator } from './authenticator.ts';
import { invalidCredentials, invalidMfaToken, invalidRefreshToken, mfaRequired, wrongCode } from './identity.errors.ts';
import { hashToken, type RefreshToken, type RefreshTokens } from './refresh-tokens.ts';
import { endSessions, insertSession, listLiveSessions, lockSession, rotateSession } from './sessions.store.ts';
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
  refreshTokens: RefreshTokens;
  guard: SignInGuard;
  checkCode: CheckCode;
  forget: ForgettingAuthenticator['forget'];
  /** Makes an organization in the transaction; answers its id. */
  makeOrganization: (tx: InstanceTx, organization: { name: string }) => Promise<string>;
  log: Pick<Log, 'warn'>;
  now: () => Date;
}

/** The use cases of signing in and of sessions. */
export interface SessionsService {
  /** Throws INVALID_CREDENTIALS, RATE_LIMITED, or MFA_REQUIRED where a code is needed and none was sent. */
  login(input: { email: string; password: string; mfa_code?: string }, origin: SignInOrigin): Promise<SessionView>;
  /** The second step. Throws INVALID_TOKEN, INVALID_CREDENTIALS, RATE_LIMITED. */
  loginWithCode(input: { mfa_token: string; code: string }, origin: SignInOrigin): Promise<SessionView>;
  /**
   * Exchanges a refresh token for its successor. A used one ends the session, unless the exchange was made within ten
   * seconds and the successor is unused: then it is answered again. Throws INVALID_TOKEN.
   */
  refresh(refreshToken: string | undefined, origin: ActingRequest): Promise<SessionView>;
  logout(principal: UserPrincipal, all: boolean): Promise<void>;
  listSessions(principal: UserPrincipal): Promise<ReturnType<typeof shapeSessions>>;
  /** Throws NOT_FOUND for a session that is not one's own, or not live. */
  endSession(principal: UserPrincipal, sessionId: string): Promise<void>;
  /** Begins a session of an account in the transaction. */
  open(tx: InstanceTx, user: UserRow, origin: SignInOrigin): Promise<OpenedSession>;
  /** The answer to a session that the committed transaction began. */
  answer(session: OpenedSession): Promise<SessionView>;
}

/** A session as its transaction leaves it. */
export interface OpenedSession {
  user: UserRow;
  sessionId: string;
  home: { organizationId: string; role: UserPrincipal['role'] };
  refresh: RefreshToken;
}

export function createSessionsService(options: SessionsOptions): SessionsService {
  const { scopes, tokens, guard, forget, now } = options;
  const open: SessionsService['open'] = (tx, user, origin) => openSession(tx, { user, origin }, options);
  const answer = (session: OpenedSession) => answerSession(session, tokens);
  const checkCode = async (user: UserRow, code: string, origin: SignInOrigin) => {
    const { address } = origin;
    const isRight = await guard.attempt({ kind: 'code', account: user.id, address }, async () => {
      const fits = await scopes.inInstance((tx) => options.checkCode(tx, { userId: user.id, code, at: now() }));
      return fits || undefined;
    });
    if (isRight) return;
    await noteFailure(user.email, origin, options);
    throw wrongCode();
  };
  const begin = async (user: UserRow, origin: SignInOrigin) => {
    const session = await scopes.inInstance(async (tx) => (await holdUser(tx, user.id)) && open(tx, user, origin));
    if (!session) throw invalidCredentials();
    return answer(session);
  };
  return {
    open,
    answer,
    login: async ({ email, password, mfa_code }, origin) => {
      const user = await guard.attempt({ kind: 'password', account: email, address: origin.address }, async () => {
        const found = await scopes.inInstance((tx) => findUserByEmail(tx, email));
        return (await isPassword(found?.password_hash, password)) ? found : undefined;
      });
      if (!user) {
        await noteFailure(email, origin, options);
        throw invalidCredentials();
      }
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
    refresh: async (refreshToken, origin) => {
      if (!refreshToken) throw invalidRefreshToken();
      const exchanged = await scopes.inInstance((tx) => exchange(tx, { refreshToken, origin }, options));
      if (exchanged?.ended) {
        forget({ sessionId: exchanged.ended });
        options.log.warn({ session: exchanged.ended }, 'a used refresh token was presented: its session has ended');
      }
      if (!exchanged?.session) throw invalidRefreshToken();
      return answer(exchanged.session);
    },
    logout: async (principal, all) => {
      const { userId, sessionId } = principal;
      if (!all && !sessionId) return;
      await scopes.inInstance((tx) => end(tx, { principal, action: 'identity.logout', all, sessionId }, now()));
      forget(all ? { userId } : { sessionId: sessionId ?? '' });
    },
    listSessions: async ({ userId, sessionId }) => {
      const asOf = now();
      return shapeSessions(await scopes.inInstance((tx) => listLiveSessions(tx, userId, asOf)), sessionId);
    },
    endSession: async (principal, sessionId) => {
      const ended = await scopes.inInstance((tx) =>
        end(tx, { principal, action: 'identity.endSession', sessionId }, now()),
      );
      if (ended.length === 0) throw notFound('session', sessionId);
      forget({ sessionId });
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
  const home = await getHome(tx, user, options);
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

/** Where the user's tokens lead. Whoever was put out of every organization gets one of their own again. */
async function getHome(
  tx: InstanceTx,
  user: UserRow,
  { makeOrganization }: Pick<SessionsOptions, 'makeOrganization'>,
): Promise<OpenedSession['home']> {
  const home = await findHome(tx, user.id);
  if (home) return home;
  const organizationId = await makeOrganization(tx, { name: `${user.name}’s organization` });
  await putMembership(tx, { organizationId, userId: user.id, role: 'owner' });
  return { organizationId, role: 'owner' };
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
  const tokenHash = hashToken(refreshToken);
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
    return { session: { user, sessionId, home: await getHome(tx, user, options), refresh: next } };
  }
  const isLostAnswer = named?.count === count - 1 && at.getTime() - (found.rotated_at?.getTime() ?? 0) < graceMs;
  if (isLostAnswer && next.hash.equals(found.refresh_token_hash)) {
    return { session: { user, sessionId, home: await getHome(tx, user, options), refresh: next } };
  }
  await endSessions(tx, { userId: user.id, sessionId, reason: 'reuse', now: at });
  const { organizationId } = await getHome(tx, user, options);
  const event = { action: 'identity.refresh_reused', at, target: `session:${sessionId}`, request: origin };
  await recordAccountEvent(tx, { ...event, userId: user.id, organizationId });
  return { ended: sessionId };
}

interface Ending {
  principal: UserPrincipal;
  action: string;
  sessionId: string | undefined;
  all?: boolean;
}

async function end(tx: InstanceTx, { principal, action, sessionId, all = false }: Ending, at: Date): Promise<string[]> {
  const { userId, organizationId, request } = principal;
  const reason = action === 'identity.logout' ? 'logout' : 'revoked';
  const ended = await endSessions(tx, { userId, sessionId: all ? undefined : sessionId, reason, now: at });
  if (ended.length === 0) return ended;
  const target = all ? `user:${userId}` : `session:${sessionId}`;
  await recordAccountEvent(tx, {
    action,
    at,
    target,
    details: { sessions: ended.length },
    userId,
    organizationId,
    request,
  });
  return ended;
}

/** The same statement whether or not there is an account, so that the two take as long. */
async function noteFailure(email: string, request: ActingRequest, { scopes, now }: SessionsOptions): Promise<void> {
  const event = { action: 'identity.login_failed', at: now(), request };
  await scopes.inInstance((tx) => recordEventOfAddress(tx, email, event));
}

function shapeSessions(rows: Awaited<ReturnType<typeof listLiveSessions>>, currentId: string | undefined) {
  return rows.map((row) => ({
    ...row,
    created_at: row.created_at.toISOString(),
    last_used_at: row.last_used_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
    is_current: row.id === currentId,
  }));
}
