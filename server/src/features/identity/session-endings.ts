import { recordAccountEvent } from '#features/audit/index.ts';
import type { ActingRequest, UserPrincipal } from '#platform/access/principal.ts';
import { hashOpaqueToken } from '#platform/crypto/opaque-token.ts';
import type { InstanceTx, Scopes } from '#platform/db/scopes.ts';
import { notFound } from '#platform/errors/app-error.ts';
import { findUser, getHome, type MakeOrganization } from './accounts.store.ts';
import type { ForgettingAuthenticator } from './authenticator.ts';
import { endSessions, listLiveSessions, lockSession } from './sessions.store.ts';

interface EndingsOptions {
  scopes: Pick<Scopes, 'inInstance'>;
  forget: ForgettingAuthenticator['forget'];
  makeOrganization: MakeOrganization;
  now: () => Date;
}

/** The use cases of the sessions one has. */
export interface SessionEndings {
  logout(principal: UserPrincipal, all: boolean): Promise<void>;
  /** The same for whoever has no access token left; false where the refresh token is no session's newest. */
  logoutByRefreshToken(refreshToken: string, asked: { all: boolean; request: ActingRequest }): Promise<boolean>;
  listSessions(principal: UserPrincipal): Promise<ReturnType<typeof shapeSessions>>;
  /** Throws NOT_FOUND for a session that is not one's own, or not live. */
  endSession(principal: UserPrincipal, sessionId: string): Promise<void>;
}

export function createSessionEndings({ scopes, forget, makeOrganization, now }: EndingsOptions): SessionEndings {
  return {
    logout: async (principal, all) => {
      const { userId, sessionId } = principal;
      if (!all && !sessionId) return;
      await scopes.inInstance((tx) => end(tx, { principal, action: 'identity.logout', all, sessionId }, now()));
      forget(all ? { userId } : { sessionId: sessionId ?? '' });
    },
    logoutByRefreshToken: async (refreshToken, { all, request }) => {
      const at = now();
      const found = await scopes.inInstance(async (tx) => {
        const session = await lockSession(tx, { tokenHash: hashOpaqueToken(refreshToken), family: undefined, now: at });
        const user = session && (await findUser(tx, session.user_id));
        if (!user) return undefined;
        const { organizationId } = await getHome(tx, { user, at }, makeOrganization);
        const principal = { userId: user.id, organizationId, request };
        await end(tx, { principal, action: 'identity.logout', all, sessionId: session.id }, at);
        return { userId: user.id, sessionId: session.id };
      });
      if (!found) return false;
      forget(all ? { userId: found.userId } : { sessionId: found.sessionId });
      return true;
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

interface Ending {
  principal: Pick<UserPrincipal, 'userId' | 'organizationId' | 'request'>;
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

function shapeSessions(rows: Awaited<ReturnType<typeof listLiveSessions>>, currentId: string | undefined) {
  return rows.map((row) => ({
    ...row,
    created_at: row.created_at.toISOString(),
    last_used_at: row.last_used_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
    is_current: row.id === currentId,
  }));
}
