import { type Role, roles } from '@almanac/contract/permissions.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import { roleNotYours } from './members.errors.ts';

/** The roles that a member of each role gives, takes away and invites to. That an owner remains is seen to besides. */
export const rolesGivenBy: Readonly<Record<Role, readonly Role[]>> = {
  owner: roles,
  admin: ['analyst', 'member', 'viewer'],
  analyst: [],
  member: [],
  viewer: [],
};

/** True where a member of that role may give the role to somebody, or take it from them. */
export function mayGive(own: Role, role: Role): boolean {
  return rolesGivenBy[own].includes(role);
}

/** Throws FORBIDDEN unless a member of that role may give the role to somebody, or take it from them. */
export function requireGiving(own: Role, role: Role): void {
  if (!mayGive(own, role)) throw roleNotYours({ own, role, given: rolesGivenBy[own] });
}

/** The role that counts in giving and taking roles: a key never makes or unmakes those whom no key may stand for. */
export function roleInGiving(own: Role, { apiKey }: Pick<UserPrincipal, 'apiKey'>): Role {
  return apiKey && own === 'owner' ? 'admin' : own;
}
