import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { forbiddenAddressReason } from './forbidden-address.ts';
import { OutboundProblem } from './outbound-problem.ts';

/** Resolves a host name to all of its addresses. */
export type ResolveHost = (hostname: string) => Promise<LookupAddress[]>;

interface GuardedConnectorOptions {
  /** `host:port` pairs that may stand on private addresses. */
  allow: readonly string[];
  /** Origins set by the operator, exempt from the guard. */
  exemptOrigins: readonly string[];
  resolveHost: ResolveHost;
}

const connectTimeoutMs = 5_000;
// Node's own 250 ms gives up on addresses that are merely far away.
const nextAddressAfterMs = 1_000;

/**
 * Makes the function through which every outbound connection is opened. The addresses are judged in the lookup whose
 * result the socket connects to, so a name cannot change its address between the check and the connection; and every
 * redirect and every retry passes here again. Fails with `blocked_address`; throws `bad_url` on a wrong pair or origin.
 */
export function createGuardedConnector(options: GuardedConnectorOptions): buildConnector.connector {
  const { resolveHost } = options;
  const allowed = new Set(options.allow.map(parseAllowedPair));
  const exempt = new Set(options.exemptOrigins.map(parseExemptOrigin));
  const shared = {
    allowH2: false,
    timeout: connectTimeoutMs,
    autoSelectFamilyAttemptTimeout: nextAddressAfterMs,
  };
  const connectAnywhere = buildConnector({ ...shared, lookup: toLookup(resolveHost) });
  const connectPublic = buildConnector({ ...shared, lookup: toLookup(onlyPublic(resolveHost)) });

  return (target, callback) => {
    const host = target.hostname.replace(/^\[|\]$/g, '');
    const port = target.port || (target.protocol === 'https:' ? '443' : '80');
    if (allowed.has(`${host}:${port}`) || exempt.has(`${target.protocol}//${host}:${port}`)) {
      connectAnywhere(target, callback);
      return;
    }
    // The sockets never look up a literal, so it is judged here.
    const reason = isIP(host) === 0 ? undefined : forbiddenAddressReason(host);
    if (reason === undefined) connectPublic(target, callback);
    else queueMicrotask(() => callback(blockedAddress(host, `${host} is ${reason}`), null));
  };
}

function onlyPublic(resolveHost: ResolveHost): ResolveHost {
  return async (hostname) => {
    const addresses = await resolveHost(hostname);
    for (const { address } of addresses) {
      const reason = forbiddenAddressReason(address);
      if (reason !== undefined) throw blockedAddress(hostname, `${hostname} resolved to ${address}: ${reason}`);
    }
    return addresses;
  };
}

function toLookup(resolveHost: ResolveHost): LookupFunction {
  return (hostname, options, callback) => {
    resolveHost(hostname).then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined) callback(new Error(`${hostname} has no address`), '');
        else if (options.all) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (fault: Error) => callback(fault, ''),
    );
  };
}

function blockedAddress(host: string, finding: string): OutboundProblem {
  return new OutboundProblem({
    kind: 'blocked_address',
    message: `'${host}' is a private or reserved address, or a name for one. The operator can allow it in OUTBOUND_ALLOW.`,
    cause: new Error(finding),
  });
}

function parseAllowedPair(pair: string): string {
  const url = /:\d+$/.test(pair) ? URL.parse(`http://${pair}`) : null;
  if (url === null || url.host === '' || url.pathname !== '/' || url.username !== '') {
    throw new OutboundProblem({ kind: 'bad_url', message: `OUTBOUND_ALLOW takes host:port pairs, not '${pair}'.` });
  }
  return hostAndPort(url);
}

function parseExemptOrigin(origin: string): string {
  const url = URL.parse(origin);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new OutboundProblem({
      kind: 'bad_url',
      message: `A base URL starts with http:// or https://; '${origin}' does not.`,
    });
  }
  return `${url.protocol}//${hostAndPort(url)}`;
}

function hostAndPort(url: URL): string {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return `${host}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`;
}
