import type { Authenticator } from '#platform/http/gate.ts';
import type { Admission, Handshake } from '#platform/realtime/handshake.ts';

/** Turns what a socket's handshake shows into the same credentials that a request carries. */
export function authenticateSocket(authenticator: Authenticator) {
  return async ({ token, apiKey, authorization, cookie, organization }: Handshake): Promise<Admission> => {
    const bearer = token === undefined ? authorization : `Bearer ${token}`;
    const credentials = {
      authorization: bearer,
      apiKey,
      cookieToken: bearer === undefined && apiKey === undefined ? readCookie(cookie, 'access_token') : undefined,
      organization,
      anonymousOrganization: 'demo' as const,
    };
    const principal = authenticator.peek(credentials) ?? (await authenticator.authenticate(credentials));
    return { principal, expiresAt: principal.expiresAt };
  };
}

function readCookie(header: string | undefined, name: string): string | undefined {
  const pairs = header?.split(';').map((pair) => pair.trim()) ?? [];
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}
