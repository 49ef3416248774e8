import {
  acceptInvitation,
  addMember,
  invite,
  leaveOrganization,
  listInvitations,
  listMembers,
  removeMember,
  revokeInvitation,
  updateMember,
} from '@almanac/contract/members.ts';
import type { FastifyInstance } from 'fastify';
import { bind } from '#platform/http/bind.ts';
import type { InvitationsService } from './invitations.service.ts';
import type { MembersService } from './members.service.ts';

interface RoutesOptions {
  members: MembersService;
  invitations: InvitationsService;
}

/** /api/organizations/:id/members, /leave and /invitations; POST /invitations/accept. */
export function addMembersRoutes(app: FastifyInstance, { members, invitations }: RoutesOptions): void {
  bind(app, listMembers, {
    access: 'members:read',
    handle: ({ principal, query }) => members.list(principal, query),
  });
  bind(app, addMember, {
    access: 'members:write',
    handle: ({ principal, body, once }) => members.add(principal, body, once),
  });
  bind(app, updateMember, {
    access: 'members:write',
    handle: ({ principal, params, body }) => members.changeRole(principal, params.user_id, body.role),
  });
  bind(app, removeMember, {
    access: 'members:write',
    handle: async ({ principal, params }) => {
      await members.remove(principal, params.user_id);
      return null;
    },
  });
  bind(app, leaveOrganization, {
    access: 'organizations:join',
    handle: async ({ principal }) => {
      await members.leave(principal);
      return null;
    },
  });
  // The invited are people from outside: whoever invites sees them, and nobody else.
  bind(app, listInvitations, {
    access: 'members:write',
    handle: ({ principal, query }) => invitations.list(principal, query),
  });
  bind(app, invite, {
    access: 'members:write',
    handle: ({ principal, body, once }) => invitations.invite(principal, body, once),
  });
  bind(app, revokeInvitation, {
    access: 'members:write',
    handle: async ({ principal, params }) => {
      await invitations.revoke(principal, params.invitation_id);
      return null;
    },
  });
  bind(app, acceptInvitation, {
    access: 'organizations:join',
    handle: ({ principal, body }) => invitations.accept(principal, body.token),
  });
}
