import { sql } from 'kysely';
import type { InstanceTx } from '#platform/db/scopes.ts';

/** The administrators of the installation among an organization's members; undefined where there is no organization. */
export async function findAdministrators({ db }: InstanceTx, organizationId: string): Promise<string[] | undefined> {
  const { rows } = await sql<{ ids: string[] }>`
    select array(
      select m.user_id from user_organizations m join users u on u.id = m.user_id
      where m.organization_id = o.id and m.is_active and u.is_instance_admin and u.deleted_at is null
      order by m.user_id
    ) as ids
    from organizations o where o.id = ${organizationId}::uuid`.execute(db);
  return rows[0]?.ids;
}
