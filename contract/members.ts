import { Type } from 'typebox';
import { defineEndpoint } from './endpoint.ts';
import { Email, Id, Time } from './identity.ts';
import { pageOf, pageQuery } from './lists.ts';
import { orNull } from './or-null.ts';
import { roles } from './permissions.ts';

const strict = { additionalProperties: false };
const tag = 'Members';
const envelope = 'plain';
const organizationParam = 'id';

const organization = '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5e';
const user = '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5a';
const Organization = Type.Object({ id: Id }, strict);
const Role = Type.Enum([...roles]);

const Member = Type.Object({
  user_id: Id,
  email: Type.String(),
  name: Type.String(),
  role: Role,
  mfa_enabled: Type.Boolean(),
  joined_at: Time,
});
const memberExample = {
  user_id: user,
  email: 'ada@example.org',
  name: 'Ada',
  role: 'owner',
  mfa_enabled: true,
  joined_at: '2024-12-16T09:30:00.000Z',
};

export const listMembers = defineEndpoint({
  id: 'members.list',
  method: 'GET',
  path: '/api/organizations/:id/members',
  organizationParam,
  tag,
  envelope,
  summary: 'Who is in the organization, the longest first',
  params: Organization,
  query: Type.Object(pageQuery, strict),
  status: 200,
  response: pageOf(Member),
  errors: [],
  example: { params: { id: organization }, query: {}, response: { items: [memberExample], next_cursor: null } },
});

export const addMember = defineEndpoint({
  id: 'members.add',
  method: 'POST',
  path: '/api/organizations/:id/members',
  organizationParam,
  tag,
  envelope,
  summary: 'Add somebody who has an account with a verified address',
  description: 'Others are invited: POST /api/organizations/:id/invitations. Owners and admins are added by owners.',
  params: Organization,
  body: Type.Object({ email: Email, role: Role }, strict),
  isIdempotent: true,
  status: 201,
  response: Member,
  errors: ['NOT_FOUND', 'CONFLICT', 'TIER_LIMIT'],
  example: { params: { id: organization }, body: { email: 'ada@example.org', role: 'owner' }, response: memberExample },
});

export const updateMember = defineEndpoint({
  id: 'members.update',
  method: 'PUT',
  path: '/api/organizations/:id/members/:user_id',
  organizationParam,
  tag,
  envelope,
  summary: 'Change a member’s role',
  params: Type.Object({ id: Id, user_id: Id }, strict),
  body: Type.Object({ role: Role }, strict),
  status: 200,
  response: Member,
  errors: ['NOT_FOUND', 'CONFLICT'],
  example: { params: { id: organization, user_id: user }, body: { role: 'owner' }, response: memberExample },
});

export const removeMember = defineEndpoint({
  id: 'members.remove',
  method: 'DELETE',
  path: '/api/organizations/:id/members/:user_id',
  organizationParam,
  tag,
  envelope,
  summary: 'Put a member out of the organization',
  description: 'Their requests and sockets there end within five seconds, their API keys for it at once.',
  params: Type.Object({ id: Id, user_id: Id }, strict),
  status: 204,
  response: Type.Null(),
  errors: ['NOT_FOUND', 'CONFLICT'],
  example: { params: { id: organization, user_id: user }, response: null },
});

export const leaveOrganization = defineEndpoint({
  id: 'members.leave',
  method: 'POST',
  path: '/api/organizations/:id/leave',
  organizationParam,
  tag,
  envelope,
  summary: 'Leave an organization; its last owner cannot',
  params: Organization,
  status: 204,
  response: Type.Null(),
  errors: ['CONFLICT'],
  example: { params: { id: organization }, response: null },
});

const Invitation = Type.Object({
  id: Id,
  email: Type.String(),
  role: Role,
  invited_by: orNull(Id),
  created_at: Time,
  expires_at: Time,
});
const invitationExample = {
  id: '01938f6e-2b7a-7c3e-9a51-0f1e2d3c4b5d',
  email: 'grace@example.org',
  role: 'analyst',
  invited_by: user,
  created_at: '2024-12-16T09:30:00.000Z',
  expires_at: '2024-12-23T09:30:00.000Z',
};

export const listInvitations = defineEndpoint({
  id: 'members.listInvitations',
  method: 'GET',
  path: '/api/organizations/:id/invitations',
  organizationParam,
  tag,
  envelope,
  summary: 'The open invitations, the newest first',
  params: Organization,
  query: Type.Object(pageQuery, strict),
  status: 200,
  response: pageOf(Invitation),
  errors: [],
  example: { params: { id: organization }, query: {}, response: { items: [invitationExample], next_cursor: null } },
});

export const invite = defineEndpoint({
  id: 'members.invite',
  method: 'POST',
  path: '/api/organizations/:id/invitations',
  organizationParam,
  tag,
  envelope,
  summary: 'Invite an address by mail',
  description:
    'The mailed token lasts seven days. Inviting an address again replaces the earlier invitation. Owners and admins ' +
    'are invited by owners. An organization has 30 tries an hour, and at most 50 open invitations.',
  params: Organization,
  body: Type.Object({ email: Email, role: Role }, strict),
  isIdempotent: true,
  status: 201,
  response: Invitation,
  errors: ['CONFLICT', 'TIER_LIMIT'],
  example: {
    params: { id: organization },
    body: { email: 'grace@example.org', role: 'analyst' },
    response: invitationExample,
  },
});

export const revokeInvitation = defineEndpoint({
  id: 'members.revokeInvitation',
  method: 'DELETE',
  path: '/api/organizations/:id/invitations/:invitation_id',
  organizationParam,
  tag,
  envelope,
  summary: 'Take an invitation back',
  params: Type.Object({ id: Id, invitation_id: Id }, strict),
  status: 204,
  response: Type.Null(),
  errors: ['NOT_FOUND'],
  example: { params: { id: organization, invitation_id: invitationExample.id }, response: null },
});

export const acceptInvitation = defineEndpoint({
  id: 'members.acceptInvitation',
  method: 'POST',
  path: '/invitations/accept',
  tag,
  envelope,
  summary: 'Accept an invitation, signed in with the address it went to',
  body: Type.Object({ token: Type.String({ minLength: 1, maxLength: 200, writeOnly: true }) }, strict),
  status: 200,
  response: Type.Object({ organization_id: Id, organization_name: Type.String(), role: Role }),
  errors: ['CONFLICT', 'TIER_LIMIT'],
  example: {
    body: { token: 'q1Yl0vY3n5mB8sQ2wE4rT6yU8iO0pA1sD3fG5hJ7kL9' },
    response: { organization_id: organization, organization_name: 'Analytical Engines', role: 'analyst' },
  },
});
