import { sql } from 'kysely';
import type { InstanceTx } from '#platform/db/scopes.ts';
import type { SessionEndReason } from './identity.tables.ts';

interface NewSession {
  id: string;
  userId: string;
  tokenHash: Buffer;
  address: string;
  userAgent: string | undefined;
  now: Date;
  expiresAt: Date;
}

export async function insertSession({ db }: InstanceTx, session: NewSession): Promise<void> {
  await db
    .insertInto('user_sessions')
    .values({
      id: session.id,
      user_id: session.userId,
      refresh_token_hash: session.tokenHash,
      address: session.address,
      user_agent: session.userAgent?.slice(0, 300) ?? null,
      created_at: session.now,
      last_used_at: session.now,
      expires_at: session.expiresAt,
      revoked_at: null,
    })
    .execute();
}

/** Locks the live session that a refresh token, the newest or an earlier one of its family, belongs to. */
export function lockSession(
  { db }: InstanceTx,
  { tokenHash, family, now }: { tokenHash: Buffer; family: string | undefined; now: Date },
) {
  return db
    .selectFrom('user_sessions')
    .select(['id', 'user_id', 'refresh_token_hash', 'refresh_count', 'rotated_at'])
    .where((where) =>
      where.or([where('refresh_token_hash', '=', tokenHash), ...(family ? [where('id', '=', family)] : [])]),
    )
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', now)
    .forUpdate()
    .executeTakeFirst();
}

/** Puts the next token in the place of the newest. */
export async function rotateSession(
  { db }: InstanceTx,
  { id, tokenHash, now, expiresAt }: { id: string; tokenHash: Buffer; now: Date; expiresAt: Date },
): Promise<void> {
  await db
    .updateTable('user_sessions')
    .set((set) => ({
      refresh_token_hash: tokenHash,
      refresh_count: set('refresh_count', '+', 1),
      rotated_at: now,
      last_used_at: now,
      expires_at: expiresAt,
    }))
    .where('id', '=', id)
    .execute();
}

interface SessionEnd {
  userId: string;
  /** One session; without it all of the user's. */
  sessionId?: string | undefined;
  /** One that stays. */
  exceptId?: string | undefined;
  reason: SessionEndReason;
  now: Date;
}

/** Ends a user's sessions; answers the ids of those that were live. */
export async function endSessions({ db }: InstanceTx, end: SessionEnd): Promise<string[]> {
  const { userId, sessionId, exceptId, reason, now } = end;
  const { rows } = await sql<{ id: string }>`
    update user_sessions set revoked_at = ${now}, end_reason = ${reason}
    where user_id = ${userId} and revoked_at is null and expires_at > ${now}
      and (${sessionId ?? null}::uuid is null or id = ${sessionId ?? null}::uuid)
      and id is distinct from ${exceptId ?? null}::uuid
    returning id`.execute(db);
  return rows.map(({ id }) => id);
}

/** A user's live sessions, the last used first. */
export function listLiveSessions({ db }: InstanceTx, userId: string, now: Date) {
  return db
    .selectFrom('user_sessions')
    .select(['id', 'created_at', 'last_used_at', 'expires_at', 'address', 'user_agent'])
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', now)
    .orderBy('last_used_at', 'desc')
    .orderBy('id')
    .limit(200)
    .execute();
}

const endedKeptMs = 30 * 86_400_000;

/** Deletes sessions and mailed tokens that ended over 30 days ago; answers how many. */
export async function deleteOldSessions({ db }: InstanceTx, now: Date): Promise<number> {
  const before = new Date(now.getTime() - endedKeptMs);
  const { rows } = await sql<{ deleted: number }>`
    with sessions as (
      delete from user_sessions where expires_at < ${before} or revoked_at < ${before} returning 1
    ),
    tokens as (delete from mailed_tokens where expires_at < ${before} returning 1)
    select ((select count(*) from sessions) + (select count(*) from tokens))::int as deleted`.execute(db);
  return rows[0]?.deleted ?? 0;
}
