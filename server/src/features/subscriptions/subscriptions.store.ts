import type { Tier } from '@almanac/contract/tiers.ts';
import { sql } from 'kysely';
import { activeMembers } from '#features/organizations/index.ts';
import type { InstanceTx } from '#platform/db/scopes.ts';

/** What of the things that tiers limit an organization has. */
export type Usage = Record<'members' | 'sources', number>;

/** The active members, the built-in viewer apart, and the sources of an organization. */
export async function countUsage({ db }: InstanceTx, organizationId: string): Promise<Usage> {
  const { rows } = await sql<Usage>`
    select
      (select count(*)::int from ${activeMembers} where m.organization_id = ${organizationId}) as members,
      (select count(*)::int from sources where organization_id = ${organizationId}) as sources`.execute(db);
  return rows[0] ?? { members: 0, sources: 0 };
}

export async function findTier({ db }: InstanceTx, organizationId: string): Promise<Tier | undefined> {
  const row = await db
    .selectFrom('organizations')
    .select('subscription_tier')
    .where('id', '=', organizationId)
    .executeTakeFirst();
  return row?.subscription_tier;
}

/** Sets the tier of an organization, and of the accounts that it was made with. */
export async function setTier({ db }: InstanceTx, organizationId: string, tier: Tier): Promise<void> {
  await sql`
    with changed as (
      update organizations set subscription_tier = ${tier} where id = ${organizationId} returning id
    )
    update users set subscription_tier = ${tier} from changed
    where users.own_organization_id = changed.id`.execute(db);
}
