import type { UserPrincipal } from '#platform/access/principal.ts';
import { AppError } from '#platform/errors/app-error.ts';
import { networkOf } from '#platform/http/client-address.ts';
import type { RealtimeLimits } from './realtime-limits.ts';

/** Counts open connections, sockets and streams, by user, and anonymous ones by address. */
export interface ConnectionCounts {
  /** Counts one in, until the returned function is called. Throws RATE_LIMITED where there are too many. */
  take(principal: UserPrincipal, address: string): () => void;
}

type ConnectionLimits = Pick<RealtimeLimits, 'maxConnectionsPerAddress' | 'maxConnectionsPerUser'>;

/** Makes the counts of a process. Addresses of one network count as one. */
export function createConnectionCounts(limits: ConnectionLimits): ConnectionCounts {
  const counts = new Map<string, number>();
  return {
    take(principal, address) {
      const isAnonymous = principal.kind === 'anonymous';
      const key = isAnonymous ? `address:${networkOf(address)}` : `user:${principal.userId}`;
      const limit = isAnonymous ? limits.maxConnectionsPerAddress : limits.maxConnectionsPerUser;
      const count = counts.get(key) ?? 0;
      if (count >= limit) throw tooManyConnections(limit, isAnonymous ? 'address' : 'user');
      counts.set(key, count + 1);
      let isTaken = true;
      return () => {
        if (!isTaken) return;
        isTaken = false;
        const left = (counts.get(key) ?? 1) - 1;
        if (left === 0) counts.delete(key);
        else counts.set(key, left);
      };
    },
  };
}

function tooManyConnections(limit: number, whose: string): AppError {
  return new AppError({
    code: 'RATE_LIMITED',
    message: `Too many connections: at most ${limit} may be open for one ${whose}. Close one first.`,
  });
}
