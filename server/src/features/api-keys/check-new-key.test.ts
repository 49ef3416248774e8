import { isPermitted, roles, scopes } from '@almanac/contract/permissions.ts';
import { describe, expect, test } from 'vitest';
import { checkNewKey } from './check-new-key.ts';

const now = new Date('2024-12-18T12:00:00Z');
const check = (expires_at: string | null | undefined) =>
  checkNewKey({ name: 'Build', scopes: ['weekly:read'], expires_at }, { role: 'viewer', now });

describe('The scopes of a new key', () => {
  test.each(roles)('are those that a member of the role %s has', (role) => {
    const faults = checkNewKey({ name: 'Build', scopes }, { role, now });
    const lacking = scopes.filter((scope) => !isPermitted(role, scope));
    expect(faults.map(({ field }) => field)).toEqual(lacking.map((scope) => `scopes[${scopes.indexOf(scope)}]`));
  });

  test('are told with the role that each of them takes', () => {
    const faults = checkNewKey(
      { name: 'Build', scopes: ['weekly:read', 'weekly:write', 'audit:read'] },
      { role: 'viewer', now },
    );
    expect(faults).toEqual([
      {
        field: 'scopes[1]',
        issue: "'weekly:write' takes the role member or higher; yours in this organization is viewer",
        index: 1,
      },
      {
        field: 'scopes[2]',
        issue: "'audit:read' takes the role admin or higher; yours in this organization is viewer",
        index: 2,
      },
    ]);
  });
});

describe('The end of a new key', () => {
  test.each([
    undefined,
    null,
    '2024-12-18T12:00:00.001Z',
    '2024-12-18T13:30:00+01:00',
    '2029-12-18T12:00:00Z',
    '2029-12-18T14:00:00+02:00',
    '2025-12-31t23:59:60z',
  ])('may be %s', (expiresAt) => {
    expect(check(expiresAt)).toEqual([]);
  });

  test.each([
    ['2024-12-18T12:00:00Z', 'is not in the future'],
    ['2024-12-18T12:59:00+01:00', 'is not in the future'],
    ['1970-01-01T00:00:00Z', 'is not in the future'],
    ['2029-12-18T12:00:00.001Z', 'is more than 5 years ahead'],
    ['9999-12-31T23:59:59Z', 'is more than 5 years ahead'],
    ['2025-01-01T00:00:00.12345678901234Z', 'is not a time such as 2024-12-16T09:30:00Z'],
    ['', 'is not a time such as 2024-12-16T09:30:00Z'],
  ])('may not be %s', (expiresAt, issue) => {
    expect(check(expiresAt)).toEqual([{ field: 'expires_at', issue: `'${expiresAt}' ${issue}` }]);
  });

  test('of five years counts from a leap day too', () => {
    const wanted = { name: 'Build', scopes: ['weekly:read'], expires_at: '2029-02-28T00:00:00Z' } as const;
    expect(checkNewKey(wanted, { role: 'viewer', now: new Date('2024-02-29T00:00:00Z') })).toEqual([]);
  });
});

test('a blank name is none, and all that is wrong is told at once', () => {
  const wanted = { name: ' \t', scopes: ['weekly:write'], expires_at: '2020-01-01T00:00:00Z' } as const;
  const faults = checkNewKey(wanted, { role: 'viewer', now });
  expect(faults.map(({ field }) => field)).toEqual(['name', 'scopes[0]', 'expires_at']);
});
