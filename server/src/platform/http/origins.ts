import type { HttpConfig } from '../config/config.ts';
import { isLoopbackHost } from '../config/config.ts';

function hostNameOf(hostHeader: string): string {
  const bare = hostHeader.startsWith('[') ? hostHeader.slice(1, hostHeader.indexOf(']')) : hostHeader.split(':')[0];
  return (bare ?? '').toLowerCase();
}

/** True for the names under which only this machine is reached. */
function isLoopbackName(name: string): boolean {
  return isLoopbackHost(name) || name.endsWith('.localhost');
}

/**
 * True when a server bound to loopback is addressed as such. A page of another site that rebinds its name to 127.0.0.1
 * sends its own name, and is refused. Servers bound elsewhere take any name.
 */
export function isHostAllowed(
  hostHeader: string | undefined,
  config: Pick<HttpConfig, 'isLoopback' | 'publicUrl'>,
): boolean {
  if (!config.isLoopback || hostHeader === undefined) return true;
  const name = hostNameOf(hostHeader);
  return isLoopbackName(name) || (config.publicUrl !== undefined && new URL(config.publicUrl).hostname === name);
}

/** True when a page of that origin may call: its own server's, a configured one, or loopback outside production. */
export function isOriginAllowed(
  origin: string,
  hostHeader: string | undefined,
  config: Pick<HttpConfig, 'allowedOrigins' | 'areLoopbackOriginsAllowed'>,
): boolean {
  if (config.allowedOrigins.includes(origin)) return true;
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) return false;
  if (hostHeader !== undefined && url.host === hostHeader) return true;
  return config.areLoopbackOriginsAllowed && isLoopbackName(hostNameOf(url.host));
}
