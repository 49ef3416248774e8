import type { EndpointAnswer } from '@almanac/contract/endpoint.ts';
import type { listMembers } from '@almanac/contract/members.ts';
import type { Role } from '@almanac/contract/permissions.ts';
import { recordChange } from '#features/audit/index.ts';
import { lockForChange } from '#features/organizations/index.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { IdempotentCall } from '#platform/db/idempotency.ts';
import { runOnceInInstance } from '#platform/db/once-in-instance.ts';
import type { InstanceTx, Scopes } from '#platform/db/scopes.ts';
import { notFound } from '#platform/errors/app-error.ts';
import { type Cursors, toPage } from '#platform/http/cursor.ts';
import type { RateLimiter } from '#platform/limits/rate-limiter.ts';
import { countOpen, deleteInvitationTo } from './invitations.store.ts';
import { limitAdditions } from './limit-invitations.ts';
import { lastOwner, memberAlready, noVerifiedAccount } from './members.errors.ts';
import { requireGiving, roleInGiving } from './members.policy.ts';
import {
  endMembership,
  findMember,
  findVerifiedAccount,
  hasOtherOwner,
  listMemberRows,
  type MemberRow,
  type MembershipKey,
  putMember,
  setRole,
} from './members.store.ts';
import { requireSeat } from './require-seat.ts';

type MembersPage = EndpointAnswer<typeof listMembers>;
type MemberView = MembersPage['items'][number];

interface PageAsked {
  limit?: number;
  cursor?: string;
}

/** The use cases of members. All act in the principal's organization. */
export interface MembersService {
  list(principal: UserPrincipal, page: PageAsked): Promise<MembersPage>;
  /** Adds a verified account. Throws NOT_FOUND without one, CONFLICT for a member, TIER_LIMIT where the tier is full. */
  add(principal: UserPrincipal, input: { email: string; role: Role }, once?: IdempotentCall): Promise<MemberView>;
  /** Throws NOT_FOUND for whoever is no member, CONFLICT for the last owner. */
  changeRole(principal: UserPrincipal, userId: string, role: Role): Promise<MemberView>;
  /** Throws NOT_FOUND for whoever is no member, CONFLICT for the last owner. */
  remove(principal: UserPrincipal, userId: string): Promise<void>;
  /** Throws CONFLICT for the last owner. */
  leave(principal: UserPrincipal): Promise<void>;
}

export interface MembersOptions {
  scopes: Pick<Scopes, 'inInstance'>;
  cursors: Cursors;
  limiter: Pick<RateLimiter, 'take'>;
  now: () => Date;
  /** Has what is known of a member, and of how many there are, looked up anew. */
  forgetMember: (member: MembershipKey) => Promise<void>;
  /** Ends the API keys of a member; answers how many there were. */
  endKeysOf: (tx: InstanceTx, member: MembershipKey) => Promise<number>;
}

export function createMembersService(options: MembersOptions): MembersService {
  const { scopes, cursors, limiter, now, forgetMember } = options;
  return {
    list: ({ organizationId }, { limit = 100, cursor }) => {
      const list = `members/${organizationId}`;
      const after = cursor === undefined ? {} : { after: cursors.open<[string, string]>(list, cursor) };
      return scopes.inInstance(async (tx) => {
        const rows = await listMemberRows(tx, { organizationId, limit: limit + 1, ...after });
        const page = toPage(rows, limit, (last) => cursors.seal(list, [last.joined_text, last.user_id]));
        return { ...page, items: page.items.map(present) };
      });
    },
    add: async (principal, input, once) => {
      const { organizationId } = principal;
      limitAdditions(limiter, organizationId);
      const view = await scopes.inInstance((tx) =>
        runOnceInInstance(tx, { organizationId, once }, () => addMember(tx, { principal, ...input, at: now() })),
      );
      await forgetMember({ organizationId, userId: view.user_id });
      return view;
    },
    changeRole: async (principal, userId, role) => {
      const view = await scopes.inInstance((tx) => changeRole(tx, { principal, userId, role, at: now() }));
      await forgetMember({ organizationId: principal.organizationId, userId });
      return view;
    },
    remove: async (principal, userId) => {
      await scopes.inInstance((tx) => removeMember(tx, { principal, userId, at: now() }, options));
      await forgetMember({ organizationId: principal.organizationId, userId });
    },
    leave: async (principal) => {
      const { organizationId, userId } = principal;
      await scopes.inInstance(async (tx) => {
        const { role } = await lockForChange(tx, principal);
        if (role === 'owner') await keepAnOwner(tx, { organizationId, userId });
        await end(tx, { principal, userId, role, action: 'members.leave', at: now() }, options);
      });
      await forgetMember({ organizationId, userId });
    },
  };
}

interface Change {
  principal: UserPrincipal;
  at: Date;
}

async function addMember(
  tx: InstanceTx,
  { principal, email, role, at }: Change & { email: string; role: Role },
): Promise<MemberView> {
  const { organizationId } = principal;
  const organization = await lockForChange(tx, principal);
  requireGiving(roleInGiving(organization.role, principal), role);
  // Before it is known who has an account: a full organization learns nothing.
  await requireSeat(tx, organization, await countOpen(tx, { organizationId, now: at, besides: email }));
  const userId = await findVerifiedAccount(tx, email);
  if (userId === undefined) throw noVerifiedAccount(email);
  if (await findMember(tx, { organizationId, userId })) throw memberAlready(email);
  await deleteInvitationTo(tx, { organizationId, email });
  await putMember(tx, { organizationId, userId, role, at });
  await recordChange(tx, principal, { action: 'members.add', at, target: `user:${userId}`, details: { role } });
  return present(await getMember(tx, { organizationId, userId }));
}

async function changeRole(
  tx: InstanceTx,
  { principal, userId, role, at }: Change & { userId: string; role: Role },
): Promise<MemberView> {
  const { organizationId } = principal;
  const own = roleInGiving((await lockForChange(tx, principal)).role, principal);
  const member = await getMember(tx, { organizationId, userId });
  requireGiving(own, member.role);
  requireGiving(own, role);
  if (member.role === role) return present(member);
  if (member.role === 'owner') await keepAnOwner(tx, { organizationId, userId });
  await setRole(tx, { organizationId, userId, role });
  const details = { from: member.role, to: role };
  await recordChange(tx, principal, { action: 'members.update', at, target: `user:${userId}`, details });
  return present({ ...member, role });
}

async function removeMember(
  tx: InstanceTx,
  { principal, userId, at }: Change & { userId: string },
  needs: EndingNeeds,
): Promise<void> {
  const { organizationId } = principal;
  const own = roleInGiving((await lockForChange(tx, principal)).role, principal);
  const { role } = await getMember(tx, { organizationId, userId });
  requireGiving(own, role);
  if (role === 'owner') await keepAnOwner(tx, { organizationId, userId });
  await end(tx, { principal, userId, role, action: 'members.remove', at }, needs);
}

interface Ending extends Change {
  userId: string;
  role: Role;
  action: 'members.remove' | 'members.leave';
}

type EndingNeeds = Pick<MembersOptions, 'endKeysOf'>;

/** Ends a membership with the API keys that rest on it. */
async function end(
  tx: InstanceTx,
  { principal, userId, role, action, at }: Ending,
  { endKeysOf }: EndingNeeds,
): Promise<void> {
  const { organizationId } = principal;
  await endMembership(tx, { organizationId, userId });
  const details = { role, api_keys: await endKeysOf(tx, { organizationId, userId }) };
  await recordChange(tx, principal, { action, at, target: `user:${userId}`, details });
}

async function getMember(tx: InstanceTx, key: MembershipKey): Promise<MemberRow> {
  const member = await findMember(tx, key);
  if (!member) throw notFound('member', key.userId);
  return member;
}

/** Throws CONFLICT where the owner given is the last one. */
async function keepAnOwner(tx: InstanceTx, owner: MembershipKey): Promise<void> {
  if (!(await hasOtherOwner(tx, owner))) throw lastOwner();
}

function present({ user_id, email, name, role, mfa_enabled, joined_at }: MemberRow): MemberView {
  return { user_id, email, name, role, mfa_enabled, joined_at: joined_at.toISOString() };
}
