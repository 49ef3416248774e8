import { isPermitted, type Role, roles } from '@almanac/contract/permissions.ts';
import { expect, test } from 'vitest';
import { mayGive, rolesGivenBy } from './members.policy.ts';

const table: [own: Role, given: Role[]][] = [
  ['owner', ['owner', 'admin', 'analyst', 'member', 'viewer']],
  ['admin', ['analyst', 'member', 'viewer']],
  ['analyst', []],
  ['member', []],
  ['viewer', []],
];

test.each(table)('%s gives and takes %j', (own, given) => {
  expect(roles.filter((role) => mayGive(own, role))).toEqual(given);
});

test('nobody gives a role above their own, and only who may change members gives any', () => {
  for (const own of roles) {
    const highest = Math.min(...rolesGivenBy[own].map((role) => roles.indexOf(role)));
    expect(highest).toBeGreaterThanOrEqual(roles.indexOf(own));
    expect(rolesGivenBy[own].length > 0).toBe(isPermitted(own, 'members:write'));
  }
});
