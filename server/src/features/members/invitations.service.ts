import type { EndpointAnswer } from '@almanac/contract/endpoint.ts';
import type { acceptInvitation, listInvitations } from '@almanac/contract/members.ts';
import type { Role } from '@almanac/contract/permissions.ts';
import { recordChange } from '#features/audit/index.ts';
import { findRole, type LockedOrganization, lockForChange, lockOrganization } from '#features/organizations/index.ts';
import { newId } from '#kernel/ids.ts';
import { type UserPrincipal, unauthenticated } from '#platform/access/principal.ts';
import { isMailAddress } from '#platform/config/takers.ts';
import { hashOpaqueToken, makeOpaqueToken } from '#platform/crypto/opaque-token.ts';
import type { IdempotentCall } from '#platform/db/idempotency.ts';
import { runOnceInInstance } from '#platform/db/once-in-instance.ts';
import type { InstanceTx, Scopes } from '#platform/db/scopes.ts';
import { notFound } from '#platform/errors/app-error.ts';
import { type Cursors, toPage } from '#platform/http/cursor.ts';
import type { RateLimiter } from '#platform/limits/rate-limiter.ts';
import type { Mail } from '#platform/mail/mail.ts';
import {
  countOpen,
  deleteInvitation,
  findAcceptor,
  findOpen,
  findOpenByToken,
  findOpenTo,
  getInviter,
  type InvitationRow,
  listOpenRows,
  putInvitation,
  verifyAddress,
} from './invitations.store.ts';
import { limitInvitations } from './limit-invitations.ts';
import {
  invalidInvitation,
  invitedElsewhere,
  memberAlready,
  notMailable,
  tooManyOpen,
  youAreMemberAlready,
} from './members.errors.ts';
import { mayGive, requireGiving, roleInGiving } from './members.policy.ts';
import { findMember, findMemberByEmail, type MembershipKey, putMember } from './members.store.ts';
import { renderInvitation } from './render-invitation.ts';
import { requireSeat } from './require-seat.ts';

const openMs = 7 * 86_400_000;
const mostOpen = 50;

type InvitationsPage = EndpointAnswer<typeof listInvitations>;
type InvitationView = InvitationsPage['items'][number];
type Joined = EndpointAnswer<typeof acceptInvitation>;

interface PageAsked {
  limit?: number;
  cursor?: string;
}

interface Invited {
  email: string;
  role: Role;
}

/** The use cases of invitations. */
export interface InvitationsService {
  list(principal: UserPrincipal, page: PageAsked): Promise<InvitationsPage>;
  /** Mails an invitation. Throws CONFLICT for a member, TIER_LIMIT in a full tier, RATE_LIMITED past 30 an hour. */
  invite(principal: UserPrincipal, invited: Invited, once?: IdempotentCall): Promise<InvitationView>;
  /** Throws NOT_FOUND for what is no open invitation of the organization. */
  revoke(principal: UserPrincipal, id: string): Promise<void>;
  /** Makes the addressee a member. Throws VALIDATION_ERROR for a token that is not good, CONFLICT for somebody else. */
  accept(principal: UserPrincipal, token: string): Promise<Joined>;
}

export interface InvitationsOptions {
  scopes: Pick<Scopes, 'inInstance'>;
  cursors: Cursors;
  limiter: Pick<RateLimiter, 'take'>;
  mail: Pick<Mail, 'queue' | 'deliverSoon' | 'linkTo'>;
  now: () => Date;
  /** Has what is known of a member, and of how many there are, looked up anew. */
  forgetMember: (member: MembershipKey) => Promise<void>;
}

export function createInvitationsService(options: InvitationsOptions): InvitationsService {
  const { scopes, cursors, limiter, mail, now, forgetMember } = options;
  return {
    list: ({ organizationId }, { limit = 100, cursor }) => {
      const list = `invitations/${organizationId}`;
      const before = cursor === undefined ? {} : { before: cursors.open<[string, string]>(list, cursor) };
      return scopes.inInstance(async (tx) => {
        const rows = await listOpenRows(tx, { organizationId, now: now(), limit: limit + 1, ...before });
        const page = toPage(rows, limit, (last) => cursors.seal(list, [last.created_at.toISOString(), last.id]));
        return { ...page, items: page.items.map(present) };
      });
    },
    invite: async (principal, invited, once) => {
      const { organizationId } = principal;
      if (!isMailAddress(invited.email)) throw notMailable(invited.email);
      // Before the transaction, whose rollback would not give it back: every try counts.
      limitInvitations(limiter, organizationId);
      const view = await scopes.inInstance((tx) =>
        runOnceInInstance(tx, { organizationId, once }, () => invite(tx, { principal, invited }, options)),
      );
      mail.deliverSoon();
      return view;
    },
    revoke: (principal, id) =>
      scopes.inInstance(async (tx) => {
        const { organizationId } = principal;
        const own = roleInGiving((await lockForChange(tx, principal)).role, principal);
        const found = await findOpen(tx, { organizationId, id, now: now() });
        if (!found) throw notFound('open invitation', id);
        requireGiving(own, found.role);
        await deleteInvitation(tx, found);
        const target = `invitation:${id}`;
        await recordChange(tx, principal, { action: 'members.revokeInvitation', at: now(), target });
      }),
    accept: async (principal, token) => {
      const joined = await scopes.inInstance((tx) => accept(tx, { principal, token, at: now() }));
      await forgetMember({ organizationId: joined.organization_id, userId: principal.userId });
      return joined;
    },
  };
}

async function invite(
  tx: InstanceTx,
  { principal, invited: { email, role } }: { principal: UserPrincipal; invited: Invited },
  { mail, now }: Pick<InvitationsOptions, 'mail' | 'now'>,
): Promise<InvitationView> {
  const { organizationId, userId } = principal;
  const at = now();
  const organization = await lockForChange(tx, principal);
  const own = roleInGiving(organization.role, principal);
  requireGiving(own, role);
  if (await findMemberByEmail(tx, { organizationId, email })) throw memberAlready(email);
  const replaced = await findOpenTo(tx, { organizationId, email, now: at });
  if (replaced) requireGiving(own, replaced.role);
  const open = await countOpen(tx, { organizationId, now: at, besides: email });
  if (open >= mostOpen) throw tooManyOpen(mostOpen);
  await requireSeat(tx, organization, open);
  const token = makeOpaqueToken();
  const expiresAt = new Date(at.getTime() + openMs);
  const invitation = {
    organization_id: organizationId,
    id: newId(),
    email,
    role,
    invited_by: userId,
    created_at: at,
    expires_at: expiresAt,
  };
  await putInvitation(tx, { ...invitation, tokenHash: hashOpaqueToken(token) });
  const inviter = await getInviter(tx, userId);
  const url = mail.linkTo(`accept-invitation=${token}`);
  await mail.queue(tx, {
    to: email,
    ...renderInvitation({ organization: organization.name, inviter, role, url, expiresAt }),
  });
  const target = `invitation:${invitation.id}`;
  await recordChange(tx, principal, { action: 'members.invite', at, target, details: { role } });
  return present(invitation);
}

interface Acceptance {
  principal: UserPrincipal;
  token: string;
  at: Date;
}

async function accept(tx: InstanceTx, { principal, token, at }: Acceptance): Promise<Joined> {
  const { userId } = principal;
  const { invitation, organization } = await claimInvitation(tx, token, at);
  const { organization_id: organizationId, id, email, role } = invitation;
  const acceptor = await findAcceptor(tx, { userId, email });
  if (!acceptor) throw unauthenticated();
  if (!acceptor.is_addressee) throw invitedElsewhere(email);
  if (await findMember(tx, { organizationId, userId })) throw youAreMemberAlready();
  await requireSeat(tx, organization, 0);
  await putMember(tx, { organizationId, userId, role, at });
  await verifyAddress(tx, userId, at);
  await deleteInvitation(tx, invitation);
  const done = { action: 'members.acceptInvitation', at, target: `invitation:${id}`, details: { role } };
  await recordChange(tx, principal, { ...done, organizationId });
  return { organization_id: organizationId, organization_name: organization.name, role };
}

/** The invitation of the token and its organization, locked; throws unless who invited may still give the role. */
async function claimInvitation(
  tx: InstanceTx,
  token: string,
  now: Date,
): Promise<{ invitation: InvitationRow; organization: LockedOrganization }> {
  const asked = { tokenHash: hashOpaqueToken(token), now };
  const found = await findOpenByToken(tx, asked);
  if (!found) throw invalidInvitation();
  const organization = await lockOrganization(tx, found.organization_id);
  // Once more, because it may have been accepted or taken back while this waited for the lock.
  const invitation = await findOpenByToken(tx, asked);
  if (!organization || !invitation?.invited_by) throw invalidInvitation();
  const inviter = await findRole(tx, { organizationId: organization.id, userId: invitation.invited_by });
  if (!inviter || !mayGive(inviter, invitation.role)) throw invalidInvitation();
  return { invitation, organization };
}

function present({ id, email, role, invited_by, created_at, expires_at }: InvitationRow): InvitationView {
  return {
    id,
    email,
    role,
    invited_by,
    created_at: created_at.toISOString(),
    expires_at: expires_at.toISOString(),
  };
}
