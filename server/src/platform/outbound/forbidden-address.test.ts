import { BlockList } from 'node:net';
import { assert, integer, ipV4, ipV6, property, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forbiddenAddressReason } from './forbidden-address.ts';

describe('forbiddenAddressReason', () => {
  it.each([
    ['0.0.0.0', 'this network'],
    ['10.255.255.255', 'private'],
    ['100.64.0.1', 'carrier-grade NAT'],
    ['100.100.100.200', 'carrier-grade NAT'],
    ['127.0.0.53', 'loopback'],
    ['169.254.169.254', 'link-local'],
    ['168.63.129.16', 'cloud metadata'],
    ['172.31.255.255', 'private'],
    ['192.168.0.1', 'private'],
    ['198.19.0.1', 'benchmarking'],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'reserved'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::ffff:10.0.0.1', 'private'],
    ['::ffff:7f00:1', 'loopback'],
    ['::127.0.0.1', 'reserved'],
    ['64:ff9b::169.254.169.254', 'link-local'],
    ['64:ff9b:1::1', 'reserved'],
    ['fd00:ec2::254', 'private'],
    ['fe80::1%eth0', 'link-local'],
    ['ff02::1', 'multicast'],
    ['2001::1', 'protocol assignments'],
    ['2001:db8::1', 'documentation'],
    ['2002:7f00:1::', '6to4'],
    ['localhost', 'not an address'],
  ])('refuses %s as %s', (address, reason) => {
    expect(forbiddenAddressReason(address)).toBe(reason);
  });

  it.each([
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2001:4860:4860::8888',
    '::ffff:1.1.1.1',
    '64:ff9b::8.8.8.8',
  ])('lets %s through', (address) => {
    expect(forbiddenAddressReason(address)).toBeUndefined();
  });

  it('judges an IPv4 address alike in all its IPv6 wrappings', () =>
    assert(
      property(ipV4(), (address) => {
        const reason = forbiddenAddressReason(address);
        expect(forbiddenAddressReason(`::ffff:${address}`)).toBe(reason);
        expect(forbiddenAddressReason(`64:ff9b::${address}`)).toBe(reason);
      }),
    ));

  it('refuses every address in the private ranges', () => {
    const ranges = tuple(integer({ min: 0, max: 255 }), integer({ min: 0, max: 255 }), integer({ min: 0, max: 255 }));
    return assert(
      property(ranges, ([a, b, c]) => {
        for (const start of ['10', '127']) expect(forbiddenAddressReason(`${start}.${a}.${b}.${c}`)).toBeDefined();
        expect(forbiddenAddressReason(`192.168.${a}.${b}`)).toBeDefined();
        expect(forbiddenAddressReason(`172.${16 + (a % 16)}.${b}.${c}`)).toBeDefined();
      }),
    );
  });

  it('lets no IPv6 address outside global unicast through, however it is written', () => {
    const unicast = new BlockList();
    unicast.addSubnet('2000::', 3, 'ipv6');
    unicast.addSubnet('64:ff9b::', 96, 'ipv6');
    unicast.addSubnet('::ffff:0:0', 96, 'ipv6');
    return assert(
      property(ipV6(), (address) => {
        if (forbiddenAddressReason(address) === undefined) expect(unicast.check(address, 'ipv6')).toBe(true);
      }),
    );
  });
});
