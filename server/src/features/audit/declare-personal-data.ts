import { type RawBuilder, sql } from 'kysely';
import type { InstanceTx } from '#platform/db/scopes.ts';
import { columnsOf, type PersonalData } from '#platform/privacy/personal-data.ts';

interface OwnEntry {
  organization_id: string;
  at: Date;
  id: string;
  actor_kind: string;
  api_key_id: string | null;
  action: string;
  target: string | null;
  details: unknown;
  address: string | null;
  request_id: string | null;
}

/**
 * What the person did, and what was done to their account by nobody known, such as tries to sign in with their address. What
 * others did to the person stays theirs; erasing takes the person out of all of it.
 */
export const auditPersonalData: PersonalData<OwnEntry> = {
  section: 'audit_entries',
  covers: columnsOf('audit_log', ['actor_id', 'api_key_id', 'target', 'details', 'address', 'request_id']),
  list: async ({ db }, { userId }, { after, limit, until }) => {
    const isPast = after
      ? sql`(organization_id, at, id) > (${after.organization_id}::uuid, ${after.at}, ${after.id}::uuid)`
      : sql`true`;
    // Without statistics, which the embedded database has none of, all that is left would be sorted for each page.
    await sql`select set_config('enable_bitmapscan', 'off', true)`.execute(db);
    // Each half is read along an index of its own, and no further than the page goes.
    const page = (isConcerned: RawBuilder<unknown>) => sql`(
      select organization_id, at, id, actor_kind, api_key_id, action, target, details, address, request_id
      from audit_log where ${isConcerned} and at <= ${until} and ${isPast}
      order by organization_id, at, id limit ${limit})`;
    const { rows } = await sql<OwnEntry>`
      ${page(sql`actor_id = ${userId}`)} union all ${page(sql`actor_id is null and target = ${`user:${userId}`}`)}
      order by organization_id, at, id limit ${limit}`.execute(db);
    return rows;
  },
  erase: async ({ db }, { userId }) => {
    await sql`select audit_forget_person(${userId})`.execute(db);
  },
};

/**
 * Takes those out of the entries since a moment whose accounts are no more: a request that was under way while an account
 * was erased may have entered itself after that. Answers how many people there were.
 */
export async function forgetAbsentPeople({ db }: InstanceTx, since: Date): Promise<number> {
  const { rows } = await sql`
    select audit_forget_person(person) from (
      select actor_id as person from audit_log where at >= ${since}
      union
      select substr(target, 6)::uuid from audit_log where at >= ${since} and target ~ '^user:[0-9a-f-]{36}$'
    ) named
    where not exists (select from users where id = person) and person is not null`.execute(db);
  return rows.length;
}
