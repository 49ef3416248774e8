import { isIP } from 'node:net';

// IANA special-purpose registry (RFC 6890 and updates); 168.63.129.16 is Azure's host agent, on a public-looking address.
const forbiddenIpv4 = [
  ['0.0.0.0', 8, 'this network'],
  ['10.0.0.0', 8, 'private'],
  ['100.64.0.0', 10, 'carrier-grade NAT'],
  ['127.0.0.0', 8, 'loopback'],
  ['168.63.129.16', 32, 'cloud metadata'],
  ['169.254.0.0', 16, 'link-local'],
  ['172.16.0.0', 12, 'private'],
  ['192.0.0.0', 24, 'protocol assignments'],
  ['192.0.2.0', 24, 'documentation'],
  ['192.88.99.0', 24, '6to4 relay'],
  ['192.168.0.0', 16, 'private'],
  ['198.18.0.0', 15, 'benchmarking'],
  ['198.51.100.0', 24, 'documentation'],
  ['203.0.113.0', 24, 'documentation'],
  ['224.0.0.0', 4, 'multicast'],
  ['240.0.0.0', 4, 'reserved'],
] as const;

const forbiddenIpv6 = [
  ['::', 128, 'unspecified'],
  ['::1', 128, 'loopback'],
  ['fc00::', 7, 'private'],
  ['fe80::', 10, 'link-local'],
  ['ff00::', 8, 'multicast'],
  ['2001::', 23, 'protocol assignments'],
  ['2001:db8::', 32, 'documentation'],
  ['2002::', 16, '6to4'],
  ['3fff::', 20, 'documentation'],
] as const;

/**
 * Says what kind of address this is when the outbound client must not connect to it, undefined when it is public.
 * Takes an IPv4 or IPv6 address as the resolver or the URL parser writes it; anything else is refused as well.
 */
export function forbiddenAddressReason(address: string): string | undefined {
  const bare = address.split('%', 1)[0] ?? '';
  const family = isIP(bare);
  if (family === 4) return ipv4Reason(ipv4ToNumber(bare));
  if (family === 6) return ipv6Reason(ipv6ToNumber(bare));
  return 'not an address';
}

function ipv4Reason(address: number): string | undefined {
  const row = forbiddenIpv4.find(([base, bits]) => {
    const size = 2 ** (32 - bits);
    return Math.floor(address / size) === Math.floor(ipv4ToNumber(base) / size);
  });
  return row?.[2];
}

function ipv6Reason(address: bigint): string | undefined {
  const prefix96 = address >> 32n;
  if (prefix96 === 0xffffn || prefix96 === ipv6ToNumber('64:ff9b::') >> 32n) {
    // IPv4-mapped and NAT64: the connection ends at the IPv4 address inside, so that one is judged.
    return ipv4Reason(Number(address & 0xffffffffn));
  }
  const row = forbiddenIpv6.find(([base, bits]) => {
    const shift = 128n - BigInt(bits);
    return address >> shift === ipv6ToNumber(base) >> shift;
  });
  if (row) return row[2];
  // Only 2000::/3 is handed out as global unicast; the rest is reserved.
  return address >> 125n === 1n ? undefined : 'reserved';
}

function ipv4ToNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function ipv6ToNumber(address: string): bigint {
  const [head = '', tail] = toHexGroups(address).split('::', 2);
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = new Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

/** Rewrites a dotted end (`::ffff:1.2.3.4`) as two hexadecimal groups. */
function toHexGroups(address: string): string {
  const dotted = address.slice(address.lastIndexOf(':') + 1);
  if (!dotted.includes('.')) return address;
  const number = ipv4ToNumber(dotted);
  const groups = `${Math.floor(number / 65536).toString(16)}:${(number % 65536).toString(16)}`;
  return address.slice(0, -dotted.length) + groups;
}
