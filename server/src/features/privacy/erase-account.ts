import { recordAccountEvent } from '#features/audit/index.ts';
import { holdRegistrations } from '#features/identity/index.ts';
import { type UserPrincipal, unauthenticated } from '#platform/access/principal.ts';
import type { InstanceTx, OrganizationTx } from '#platform/db/scopes.ts';
import { forgetRunsOf } from '#platform/jobs/personal-runs.ts';
import type { PersonalData } from '#platform/privacy/personal-data.ts';
import { codeNeeded, lastAdministrator, othersWithoutOwner } from './privacy.errors.ts';
import {
  type Account,
  countOthers,
  deleteAccountRow,
  deleteOrganizations,
  findAccount,
  lockOrganizationsOf,
  type SharedOrganization,
} from './privacy.store.ts';

export interface ErasureNeeds {
  /** All that is held about people, in the order in which it is erased. */
  personalData: readonly PersonalData[];
  /** Removes some of an organization's items where there are very many; false, and nothing done, where they are few. */
  removeSomeActivity: (tx: OrganizationTx) => Promise<boolean>;
}

/** An erasure that is asked for. */
export interface Erasure {
  principal: UserPrincipal;
  at: Date;
  /** True where a code of the second factor was taken. */
  hasGivenCode: boolean;
}

/** Where an erasure in parts goes on. */
export interface ErasureStop {
  /** Whose part it was, of what is declared; undefined while organizations are emptied. */
  section: string | undefined;
  after: object | undefined;
}

/**
 * Erases a person in one transaction: all of it, or nothing where it fails or the process ends. Of whom there is too much
 * for one, a part is erased, and where to go on is answered: each part is a transaction of its own, the account stands
 * until the last one, and an erasure that broke off goes on with what is left when it is asked for again. Undefined once
 * all is erased. Throws CONFLICT where others would be left without an owner or the installation without an
 * administrator, VALIDATION_ERROR where a second factor is on and no code of it was given, UNAUTHENTICATED where the
 * account is no more.
 */
export async function eraseAccount(
  tx: InstanceTx,
  { stop, ...erasure }: Erasure & { stop: ErasureStop | undefined },
  needs: ErasureNeeds,
): Promise<ErasureStop | undefined> {
  const found = await lockErasable(tx, erasure);
  const reached = (await emptyOrganizations(tx, found, needs)) ?? (await eraseSome(tx, { ...found, stop }, needs));
  if (!reached) await eraseRest(tx, { ...found, ...erasure }, needs);
  return reached;
}

/** Removes some items of the first organization that ends with the account and has very many. */
async function emptyOrganizations(
  tx: InstanceTx,
  { alone }: Erasable,
  { removeSomeActivity }: ErasureNeeds,
): Promise<ErasureStop | undefined> {
  for (const id of alone) {
    if (await tx.inOrganization(id, removeSomeActivity)) return { section: undefined, after: undefined };
  }
  return undefined;
}

/** Erases a part of the first thing, from a stop on, of which there is very much. */
async function eraseSome(
  tx: InstanceTx,
  { account, stop }: Erasable & { stop: ErasureStop | undefined },
  { personalData }: ErasureNeeds,
): Promise<ErasureStop | undefined> {
  const first = personalData.findIndex(({ section }) => section === stop?.section);
  for (const data of personalData.slice(Math.max(first, 0))) {
    const after = await data.eraseSome?.(tx, account, data.section === stop?.section ? stop.after : undefined);
    if (after) return { section: data.section, after };
  }
  return undefined;
}

async function eraseRest(
  tx: InstanceTx,
  { account, alone, principal, at }: Erasable & Erasure,
  { personalData }: ErasureNeeds,
): Promise<void> {
  const { userId, organizationId, request } = principal;
  // The audit entry is made before what takes the person out of it.
  await recordAccountEvent(tx, {
    action: 'privacy.deleteAccount',
    at,
    target: `user:${userId}`,
    organizationId,
    userId,
    request,
  });
  await deleteOrganizations(tx, alone);
  await forgetRunsOf(tx, alone, at);
  for (const data of personalData) await data.erase?.(tx, account);
  await deleteAccountRow(tx, userId);
}

/** An account that nothing keeps from being erased, and the organizations that end with it. */
interface Erasable {
  account: Account;
  alone: string[];
}

/** Locks an account and its organizations, so that nothing comes in the way until the end of the transaction. */
async function lockErasable(
  tx: InstanceTx,
  { principal: { userId }, hasGivenCode }: Pick<Erasure, 'principal' | 'hasGivenCode'>,
): Promise<Erasable> {
  const account = await findAccount(tx, userId, { lock: true });
  if (!account) throw unauthenticated();
  if (account.hasSecondFactor && !hasGivenCode) throw codeNeeded();
  await requireAdministrator(tx, account);
  const organizations = await lockOrganizationsOf(tx, userId);
  requireOwners(organizations);
  const alone = organizations.filter(({ is_built_in, others }) => !is_built_in && others === 0);
  return { account, alone: alone.map(({ id }) => id) };
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
