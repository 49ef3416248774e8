import type { UserPrincipal } from '#platform/access/principal.ts';
import { type AddressLimit, tooManyCalls } from '#platform/http/address-limit.ts';
import type { Authenticator, Credentials } from '#platform/http/gate.ts';
import type { Admission, Handshake } from '#platform/realtime/handshake.ts';

interface SocketAuthentication {
  authenticator: Authenticator;
  addressLimit: AddressLimit;
}

/**
 * Turns what a socket's handshake shows into the same credentials that a request carries, and limits addresses as the
 * gate does: one that has shown too many wrong credentials is refused before the next cost a look-up.
 */
export function authenticateSocket(options: SocketAuthentication) {
  const { authenticator, addressLimit } = options;
  return async ({ token, apiKey, authorization, cookie, organization, address }: Handshake): Promise<Admission> => {
    const bearer = token === undefined ? authorization : `Bearer ${token}`;
    const credentials = {
      authorization: bearer,
      apiKey,
      cookieToken: bearer === undefined && apiKey === undefined ? readCookie(cookie, 'access_token') : undefined,
      organization,
      anonymousOrganization: 'demo' as const,
    };
    const known = authenticator.peek(credentials);
    const principal = known ?? (await lookUp({ credentials, address }, options));
    if (principal.kind === 'anonymous') takeFrom(addressLimit, address);
    return { principal, expiresAt: principal.expiresAt };
  };
}

interface Asking {
  credentials: Credentials;
  address: string;
}

async function lookUp(
  { credentials, address }: Asking,
  { authenticator, addressLimit }: SocketAuthentication,
): Promise<UserPrincipal> {
  if (addressLimit.isUsedUp(address)) takeFrom(addressLimit, address);
  try {
    return await authenticator.authenticate(credentials);
  } catch (error) {
    takeFrom(addressLimit, address);
    throw error;
  }
}

function takeFrom(addressLimit: AddressLimit, address: string): void {
  const verdict = addressLimit.take(address);
  if (!verdict.allowed) throw tooManyCalls(verdict);
}

function readCookie(header: string | undefined, name: string): string | undefined {
  const pairs = header?.split(';').map((pair) => pair.trim()) ?? [];
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}
