import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import proxyAddress from '@fastify/proxy-addr';

/** Makes the reader of a request's address outside of routes: by the same rule as Fastify's own `request.ip`. */
export function createAddressReader(trustProxy: boolean | readonly string[]): (request: IncomingMessage) => string {
  const trust = typeof trustProxy === 'boolean' ? () => trustProxy : proxyAddress.compile([...trustProxy]);
  return (request) => proxyAddress(request, trust);
}

/**
 * What of an address is one customer's: an IPv4 address, also where it is mapped into IPv6, and the first 64 bits of an
 * IPv6 address (RFC 6177), whose other half anybody chooses for themselves.
 */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  const [head = '', tail] = address.toLowerCase().split('%')[0]?.split('::') ?? [];
  const parts = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : 8 - parts.length - last.length;
  const all = [...parts, ...Array.from({ length: Math.max(0, missing) }, () => '0'), ...last];
  return `${all
    .slice(0, 4)
    .map((part) => Number.parseInt(part, 16).toString(16))
    .join(':')}::/64`;
}
