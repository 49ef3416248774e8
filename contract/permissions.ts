import type { AccountType } from './identity.ts';

/** The roles of a member in an organization, the strongest first; each may do all that the ones after it may. */
export const roles = ['owner', 'admin', 'analyst', 'member', 'viewer'] as const;

/** A member's role in one organization. */
export type Role = (typeof roles)[number];

/** What a caller must be to do a thing. */
export interface PermissionRule {
  readonly leastRole: Role;
  /** True where the anonymous viewer may do it too. */
  readonly anonymous?: true;
  /** True for what takes a signed-in person: no API key can be given it. */
  readonly sessionOnly?: true;
  /** True for what one does about one's own account: it needs no second factor where an organization asks for one. */
  readonly personal?: true;
  /** True for what is of the whole installation: only its administrators may, whatever their role. */
  readonly instance?: true;
  /** The type that the account must be of, beside the role. */
  readonly accountType?: AccountType;
  readonly meaning: string;
}

/** The one table of rights: enforced in one place and shown in the documentation from here. */
export const permissions = {
  'weekly:read': { leastRole: 'viewer', anonymous: true, meaning: 'See the weekly dashboard and export it.' },
  'weekly:refresh': { leastRole: 'viewer', anonymous: true, meaning: 'Have a week recomputed.' },
  'weekly:write': { leastRole: 'member', meaning: 'Post activity items.' },
  'metrics:read': { leastRole: 'viewer', anonymous: true, meaning: 'See what is measured, its values and trends.' },
  'metrics:write': { leastRole: 'member', meaning: 'Write measured values.' },
  'metrics:describe': { leastRole: 'analyst', meaning: 'Say how a metric is read: unit, direction, aggregation.' },
  'dashboard:read': { leastRole: 'viewer', anonymous: true, meaning: 'See the dashboards of the organization.' },
  'reports:read': { leastRole: 'viewer', anonymous: true, meaning: 'See the reports and templates, and export them.' },
  'reports:write': { leastRole: 'analyst', meaning: 'Make, generate, publish and delete reports and templates.' },
  'activity:write': {
    leastRole: 'member',
    meaning: 'Write down activity; that of other members, with the role admin or higher or an API key.',
  },
  'assessments:read': { leastRole: 'analyst', meaning: 'See the assessments of members.' },
  'assessments:write': {
    leastRole: 'member',
    meaning: 'Make and change one’s own assessments; those of others, with the role admin or higher.',
  },
  'businesses:read': { leastRole: 'viewer', meaning: 'See one’s own businesses.' },
  'businesses:write': {
    leastRole: 'member',
    meaning: 'Make, change and delete one’s own businesses, and add to their numbers.',
  },
  'tenant:read': {
    leastRole: 'viewer',
    accountType: 'tenant',
    meaning: 'See the KPIs over one’s businesses, and follow them; with an account of the type tenant.',
  },
  'feed:read': { leastRole: 'viewer', anonymous: true, meaning: 'Follow the organization’s events.' },
  'organizations:read': {
    leastRole: 'viewer',
    anonymous: true,
    personal: true,
    meaning: 'See the organizations one belongs to.',
  },
  'organizations:join': {
    leastRole: 'viewer',
    sessionOnly: true,
    personal: true,
    meaning: 'Make an organization, accept an invitation, leave.',
  },
  'organizations:write': { leastRole: 'owner', meaning: 'Change the organization’s settings.' },
  'members:read': { leastRole: 'viewer', meaning: 'See who is in the organization.' },
  'members:write': {
    leastRole: 'admin',
    meaning: 'Invite and remove members and change roles; those of owners and admins, owners alone.',
  },
  'subscription:read': { leastRole: 'viewer', meaning: 'See the tier, what it includes and what of it is used.' },
  'subscription:write': { leastRole: 'owner', sessionOnly: true, meaning: 'Change the tier.' },
  'audit:read': { leastRole: 'admin', meaning: 'See who read or changed what.' },
  'profile:read': { leastRole: 'viewer', personal: true, meaning: 'See one’s own profile.' },
  'account:write': {
    leastRole: 'viewer',
    sessionOnly: true,
    personal: true,
    meaning: 'Change one’s profile, password, second factor and sessions; export and delete what is held about one.',
  },
  'api-keys:own': { leastRole: 'viewer', sessionOnly: true, meaning: 'See, make and end one’s own API keys.' },
  'api-keys:manage': { leastRole: 'admin', sessionOnly: true, meaning: 'See and end the API keys of all members.' },
  'system:read': {
    leastRole: 'viewer',
    sessionOnly: true,
    instance: true,
    meaning: 'See how the installation runs, and the mails it keeps.',
  },
  'system:write': {
    leastRole: 'viewer',
    sessionOnly: true,
    instance: true,
    meaning: 'Run jobs, change their schedules, pause and resume them.',
  },
} as const satisfies Record<string, PermissionRule>;

/** The name of a right. */
export type Permission = keyof typeof permissions;

/** The rule of a right. */
export function ruleOf(permission: Permission): PermissionRule {
  return permissions[permission];
}

/** True when a member of that role has the right. Rights of the whole installation come with no role. */
export function isPermitted(role: Role, permission: Permission): boolean {
  const { leastRole, instance } = ruleOf(permission);
  return !instance && roles.indexOf(role) <= roles.indexOf(leastRole);
}

/** The rights that an API key can be given. */
export const scopes = (Object.keys(permissions) as Permission[]).filter((name) => !ruleOf(name).sessionOnly);
