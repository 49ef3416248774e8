import type { IncomingMessage } from 'node:http';
import proxyAddress from '@fastify/proxy-addr';

/** Makes the reader of a request's address outside of routes: by the same rule as Fastify's own `request.ip`. */
export function createAddressReader(trustProxy: boolean | readonly string[]): (request: IncomingMessage) => string {
  const trust = typeof trustProxy === 'boolean' ? () => trustProxy : proxyAddress.compile([...trustProxy]);
  return (request) => proxyAddress(request, trust);
}
