import type { OutboundAnswer, OutboundMethod } from './outbound-types.ts';
import { parseTarget } from './parse-target.ts';
import { withoutSecretHeaders } from './secret-headers.ts';

/** One exchange with one origin: a call is a first hop and those that redirects lead to. */
export interface Hop {
  url: URL;
  method: OutboundMethod;
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>;
  body: string | Uint8Array | undefined;
}

const redirectStatuses: readonly number[] = [301, 302, 303, 307, 308];

/**
 * Where a redirect leads, undefined when the answer is none. Secret headers are dropped across origins. A redirect that
 * would carry a body to another origin is not followed, since bodies hold client secrets too: its answer is the result.
 * Throws `bad_url` when the Location is none that may be called.
 */
export function nextHop(hop: Hop, answer: OutboundAnswer, secretHeaders: readonly string[]): Hop | undefined {
  const location = answer.headers.location;
  if (!redirectStatuses.includes(answer.status) || location === undefined) return undefined;
  const url = parseTarget(location, hop.url);
  const isSameOrigin = url.origin === hop.url.origin;
  const headers = isSameOrigin ? hop.headers : withoutSecretHeaders(hop.headers, secretHeaders);
  if (becomesGet(hop.method, answer.status)) {
    return {
      url,
      method: hop.method === 'HEAD' ? 'HEAD' : 'GET',
      headers: withoutBodyHeaders(headers),
      body: undefined,
    };
  }
  if (!isSameOrigin && hop.body !== undefined) return undefined;
  return { ...hop, url, headers };
}

/** As in the Fetch standard: 303 for all methods, 301 and 302 for POST alone. */
function becomesGet(method: OutboundMethod, status: number): boolean {
  return status === 303 || ((status === 301 || status === 302) && method === 'POST');
}

function withoutBodyHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('content-')));
}
