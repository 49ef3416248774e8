import { randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Adapter, type Session } from 'socket.io-adapter';

/** How long a client may have been away that is sent what it missed. */
export const longestAwayMs = 2 * 60_000;

interface AdapterOptions {
  /** Whether clients of a namespace are sent what they missed. */
  recovers: (namespace: string) => boolean;
  now: () => Date;
}

/** More endings than are remembered make a client's return be judged by what it missed alone. */
const maxEndings = 20_000;
/** Ids as Socket.IO makes them. What else a client shows for one is not remembered. */
const sessionId = /^[\w-]{20,36}$/;
const maxEndingsSize = maxEndings * 36;

/**
 * Makes the adapter through which Socket.IO's own reconnection reaches the feed. A stock client that comes back shows the
 * id of its session and the offset of the last event that it got. The id gives no right to anything and the session holds
 * nothing: who comes is asked anew, and what was missed is read from the feed once that is known. So it does not matter
 * which process the session was of; one that ended here too long ago is not taken up again.
 */
export function makeSessionAdapter({ recovers, now }: AdapterOptions): typeof Adapter {
  return class SessionAdapter extends Adapter {
    readonly #endings = new LRUCache<string, number>({
      max: maxEndings,
      maxSize: maxEndingsSize,
      sizeCalculation: (_endedMs, pid) => pid.length,
    });

    /** Every emit to a socket comes through here. The stock adapter would look for rooms, and keep the packet. */
    override broadcast(...[packet, { rooms, flags }]: Parameters<Adapter['broadcast']>): void {
      for (const id of rooms) this.nsp.sockets.get(id)?.packet(packet, flags);
    }

    override persistSession({ pid }: Parameters<Adapter['persistSession']>[0]): void {
      if (recovers(this.nsp.name)) this.#endings.set(pid, now().getTime());
    }

    override restoreSession(pid: string): Promise<Session> {
      const isKept = recovers(this.nsp.name) && sessionId.test(pid) && !this.#endedTooLongAgo(pid);
      // The types know no way to say that there is none.
      if (!isKept) return Promise.resolve(null as unknown as Session);
      return Promise.resolve({ pid, sid: randomUUID(), rooms: [], data: {}, missedPackets: [] });
    }

    #endedTooLongAgo(pid: string): boolean {
      const endedMs = this.#endings.get(pid);
      return endedMs !== undefined && now().getTime() - endedMs > longestAwayMs;
    }
  };
}
