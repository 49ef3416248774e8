import { type RawBuilder, sql } from 'kysely';
import type { InstanceTx, OrganizationTx } from '#platform/db/scopes.ts';

/** An entry as the database gives it. */
export interface EntryRow {
  id: string;
  at: Date;
  /** The time to the microsecond, as the database reads it again. */
  position: string;
  actor_kind: 'user' | 'api_key' | 'anonymous' | 'system';
  actor_id: string | null;
  api_key_id: string | null;
  action: string;
  target: string | null;
  details: Record<string, unknown>;
  address: string | null;
  request_id: string | null;
}

/** Which entries are asked for; times are half-open, and what is left out narrows nothing. */
export interface EntryFilter {
  readonly from: Date | undefined;
  readonly to: Date | undefined;
  readonly actor: string | undefined;
  readonly action: string | undefined;
}

interface EntryRange extends EntryFilter {
  /** The time and id of the entry that the page follows. */
  after: readonly [position: string, id: string] | undefined;
  limit: number;
}

/** Entries of the organization, the newest first; those of one moment by id. */
export async function listEntries({ db, organizationId }: OrganizationTx, range: EntryRange): Promise<EntryRow[]> {
  const { from, to, actor, action, after, limit } = range;
  const conditions = [
    sql`organization_id = ${organizationId}`,
    from && sql`at >= ${from}`,
    to && sql`at < ${to}`,
    actor && sql`actor_id = ${actor}`,
    action && sql`action = ${action}`,
    after && sql`(at, id) < (${after[0]}::timestamptz, ${after[1]}::uuid)`,
  ].filter((condition): condition is RawBuilder<unknown> => condition !== undefined && condition !== '');
  const { rows } = await sql<EntryRow>`
    select id, at, at::text as position, actor_kind, actor_id, api_key_id, action, target, details, address, request_id
    from audit_log
    where ${sql.join(conditions, sql` and `)}
    order by at desc, id desc
    limit ${limit}`.execute(db);
  return rows;
}

/** The names of people by id, of those who still have an account. */
export async function readNames({ db }: InstanceTx, userIds: readonly string[]): Promise<Map<string, string>> {
  const { rows } = await sql<{ id: string; name: string }>`
    select id, name from users where id = any (${userIds}::uuid[]) and deleted_at is null`.execute(db);
  return new Map(rows.map(({ id, name }) => [id, name]));
}
