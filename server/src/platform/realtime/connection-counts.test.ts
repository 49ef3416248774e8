import { expect, test } from 'vitest';
import type { UserPrincipal } from '#platform/access/principal.ts';
import { createConnectionCounts } from './connection-counts.ts';

const anonymous = { kind: 'anonymous', userId: 'nobody' } as UserPrincipal;

test('Anonymous connections count by network: an IPv6 network is one address, also where IPv4 is written as IPv6', () => {
  const counts = createConnectionCounts({ maxConnectionsPerAddress: 2, maxConnectionsPerUser: 1 });
  const take = (address: string) => counts.take(anonymous, address);
  const release = take('2001:db8::1');
  take('2001:db8::2:2');
  expect(() => take('2001:db8:0:0:3::')).toThrow('at most 2 may be open for one address');
  take('2001:db8:0:1::1');
  release();
  take('2001:db8:0:0:3::');
  take('203.0.113.7');
  take('::ffff:203.0.113.7');
  expect(() => take('203.0.113.7')).toThrow('at most 2');
});
