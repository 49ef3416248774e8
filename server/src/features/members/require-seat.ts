import type { LockedOrganization } from '#features/organizations/index.ts';
import { countUsage, requireRoom } from '#features/subscriptions/index.ts';
import type { InstanceTx } from '#platform/db/scopes.ts';

/** Throws TIER_LIMIT unless the locked organization has room for one more member beside those it has and has invited. */
export async function requireSeat(tx: InstanceTx, { id, tier }: LockedOrganization, invited: number): Promise<void> {
  const { members } = await countUsage(tx, id);
  requireRoom({ tier, what: 'members', used: members, promised: invited });
}
