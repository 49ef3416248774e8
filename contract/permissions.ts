/** The roles of a member in an organization, the strongest first; each may do all that the ones after it may. */
export const roles = ['owner', 'admin', 'analyst', 'member', 'viewer'] as const;

/** A member's role in one organization. */
export type Role = (typeof roles)[number];

/** What a caller must be to do a thing: the least role, and whether the anonymous viewer may do it too. */
export interface PermissionRule {
  readonly leastRole: Role;
  readonly anonymous: boolean;
  readonly meaning: string;
}

/** The one table of rights: enforced in one place and shown in the documentation from here. */
export const permissions = {
  'weekly:read': { leastRole: 'viewer', anonymous: true, meaning: 'See the weekly dashboard and export it.' },
  'weekly:refresh': { leastRole: 'viewer', anonymous: true, meaning: 'Have a week recomputed.' },
  'weekly:write': { leastRole: 'member', anonymous: false, meaning: 'Post activity items.' },
  'feed:read': { leastRole: 'viewer', anonymous: true, meaning: 'Follow the organization’s events.' },
  'organizations:read': { leastRole: 'viewer', anonymous: true, meaning: 'See the organizations one belongs to.' },
  'profile:read': { leastRole: 'viewer', anonymous: false, meaning: 'See one’s own profile.' },
} as const satisfies Record<string, PermissionRule>;

/** The name of a right. */
export type Permission = keyof typeof permissions;

/** True when a member of that role has the right. */
export function isPermitted(role: Role, permission: Permission): boolean {
  return roles.indexOf(role) <= roles.indexOf(permissions[permission].leastRole);
}
