import { permissions, roles } from './rights.js';

/** @typedef {import('../../../../contract/permissions.ts').Role} Role */
/** @typedef {import('../../../../contract/permissions.ts').Permission} Permission */

/**
 * Whether a member of that role may do it; the server decides.
 * @param {string} role
 * @param {Permission} permission
 */
export function isAllowed(role, permission) {
  return roles.indexOf(role) <= roles.indexOf(permissions[permission].leastRole);
}

/**
 * The roles that a member of that role gives and takes away.
 * @param {string} own
 */
export function rolesGivenBy(own) {
  if (own === 'owner') return roles;
  return own === 'admin' ? roles.slice(roles.indexOf('admin') + 1) : [];
}

/**
 * The scopes that an API key of a member of that role is of use with.
 * @param {string} role
 */
export function scopesOf(role) {
  return Object.entries(permissions)
    .filter(([, { isScope, leastRole }]) => isScope && roles.indexOf(role) <= roles.indexOf(leastRole))
    .map(([name, { meaning }]) => ({ name, meaning }));
}
