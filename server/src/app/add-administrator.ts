import { sql } from 'kysely';
import { recordAudit } from '#features/audit/index.ts';
import { configurationProblem } from '#platform/config/environment.ts';
import type { Scopes } from '#platform/db/scopes.ts';

interface Added {
  id: string;
  organization_id: string;
}

/**
 * Makes an account an administrator of the installation; answers what was done, in words. Throws a configuration problem
 * where the address has no account.
 */
export function addAdministrator(
  scopes: Pick<Scopes, 'inInstance'>,
  { email, now }: { email: string; now: Date },
): Promise<string> {
  return scopes.inInstance(async (tx) => {
    const { rows } = await sql<Added>`
      update users set is_instance_admin = true
      where lower(email) = lower(${email}) and deleted_at is null
      returning id,
        coalesce(own_organization_id, (select id from organizations where slug = 'local')) as organization_id`.execute(
      tx.db,
    );
    const [added] = rows;
    if (!added) throw configurationProblem(`There is no account with the address '${email}'.`);
    const entry = { action: 'admin.add', at: now, target: `user:${added.id}` };
    await tx.inOrganization(added.organization_id, (inside) => recordAudit(inside, entry));
    return `${email} administrates this installation.\n`;
  });
}
