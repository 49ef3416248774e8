import { recordAccountEvent } from '#features/audit/index.ts';
import { holdRegistrations } from '#features/identity/index.ts';
import { type UserPrincipal, unauthenticated } from '#platform/access/principal.ts';
import type { InstanceTx } from '#platform/db/scopes.ts';
import { forgetRunsOf } from '#platform/jobs/personal-runs.ts';
import type { PersonalData } from '#platform/privacy/personal-data.ts';
import { lastAdministrator, othersWithoutOwner } from './privacy.errors.ts';
import {
  type Account,
  countOthers,
  deleteAccountRow,
  deleteOrganizations,
  findAccount,
  lockOrganizationsOf,
  renameOwnOrganization,
  type SharedOrganization,
} from './privacy.store.ts';

export interface ErasureNeeds {
  /** All that is held about people, in the order in which it is erased. */
  personalData: readonly PersonalData[];
}

interface Erasure {
  principal: UserPrincipal;
  at: Date;
}

/**
 * Erases a person in one transaction: all of it, or nothing where it fails or the process ends. Throws CONFLICT where
 * others would be left without an owner or the installation without an administrator, UNAUTHENTICATED where the account
 * is no more.
 */
export async function eraseAccount(
  tx: InstanceTx,
  { principal, at }: Erasure,
  { personalData }: ErasureNeeds,
): Promise<void> {
  const { userId, organizationId, request } = principal;
  const account = await findAccount(tx, userId, { lock: true });
  if (!account) throw unauthenticated();
  await requireAdministrator(tx, account);
  const organizations = await lockOrganizationsOf(tx, userId);
  requireOwners(organizations);
  // The audit entry is made before what takes the person out of it.
  await recordAccountEvent(tx, {
    action: 'privacy.deleteAccount',
    at,
    target: `user:${userId}`,
    organizationId,
    userId,
    request,
  });
  const own = organizations.filter(({ is_built_in, others }) => !is_built_in && others === 0).map(({ id }) => id);
  await deleteOrganizations(tx, own);
  await forgetRunsOf(tx, own, at);
  await renameOwnOrganization(tx, account);
  for (const data of personalData) await data.erase?.(tx, account);
  await deleteAccountRow(tx, userId);
}

/** Throws CONFLICT for the last administrator, unless nobody else has an account: then the next one becomes it. */
async function requireAdministrator(tx: InstanceTx, { userId, isInstanceAdmin }: Account): Promise<void> {
  if (!isInstanceAdmin) return;
  // Also holds off other administrators who go at the same time, so that one of them sees the other gone.
  await holdRegistrations(tx);
  const { people, administrators } = await countOthers(tx, userId);
  if (people > 0 && administrators === 0) throw lastAdministrator();
}

function requireOwners(organizations: readonly SharedOrganization[]): void {
  const left = organizations.filter(
    ({ is_owner, others, other_owners }) => is_owner && others > 0 && other_owners === 0,
  );
  if (left.length > 0) throw othersWithoutOwner(left.map(({ name }) => name));
}
