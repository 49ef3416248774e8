import type { UserPrincipal } from '#platform/access/principal.ts';
import type { Log } from '#platform/log/log.ts';

/** Answers those of the principals whose session was revoked, or whose membership or role is no longer what it says. */
export type FindEnded = (principals: UserPrincipal[]) => Promise<readonly UserPrincipal[]>;

/** Why a connection is ended by the server. */
export type SessionEnd = 'session_ended' | 'token_expired';

/** Something that stays open on the strength of a session: a socket, or a stream of events. */
export interface WatchedSession {
  readonly principal: UserPrincipal;
  readonly expiresAt: Date | undefined;
  end(end: SessionEnd): void;
}

interface SessionWatchOptions {
  findEnded: FindEnded;
  now: () => Date;
  log: Log;
}

/** Watches sessions from here until their connection closes. */
export interface SessionWatch {
  /** Watches one, until the returned function is called. */
  add(session: WatchedSession): () => void;
  /** Ends those whose token has expired. */
  endExpired(): void;
  /** Asks once for all, and ends those that have ended. */
  endRevoked(): Promise<void>;
}

/** Makes the watch of a process; whoever owns it calls it in time. */
export function createSessionWatch({ findEnded, now, log }: SessionWatchOptions): SessionWatch {
  const sessions = new Set<WatchedSession>();
  let isAsking = false;

  async function askAndEnd(): Promise<void> {
    const byKey = Map.groupBy(sessions, ({ principal }) => keyOf(principal));
    const principals = [...byKey.values()].flatMap(([first]) => (first ? [first.principal] : []));
    if (principals.length === 0) return;
    for (const principal of await findEnded(principals)) {
      for (const session of byKey.get(keyOf(principal)) ?? []) {
        if (sessions.has(session) && keyOf(session.principal) === keyOf(principal)) session.end('session_ended');
      }
    }
  }

  return {
    add(session) {
      sessions.add(session);
      return () => void sessions.delete(session);
    },
    endExpired() {
      const time = now();
      for (const session of [...sessions]) {
        if (session.expiresAt && session.expiresAt <= time) session.end('token_expired');
      }
    },
    async endRevoked() {
      if (isAsking) return;
      isAsking = true;
      try {
        await askAndEnd();
      } catch (error) {
        log.warn({ err: error }, 'ended sessions could not be looked up; the next look is in a few seconds');
      } finally {
        isAsking = false;
      }
    },
  };
}

/** All that `FindEnded` judges by: those who differ in any of it are asked about by themselves. */
function keyOf({ kind, userId, organizationId, role, sessionId, apiKey, isMfaMissing }: UserPrincipal): string {
  return JSON.stringify([kind, userId, organizationId, role, sessionId, apiKey?.id, isMfaMissing]);
}
