import type { FeedEventType, FeedMessage } from '@almanac/contract/feed.ts';
import { LRUCache } from 'lru-cache';
import type { UserPrincipal } from '#platform/access/principal.ts';
import { AppError } from '#platform/errors/app-error.ts';
import type { Feed } from '#platform/feed/feed.ts';
import type { Cursors } from '#platform/http/cursor.ts';
import { longestAwayMs } from './session-adapter.ts';

/** How far a client has come: the last event of the feed that it was served up to, and what its feature makes of that. */
export interface FeedPlace {
  readonly cursor: number;
  /** The feature's own number, such as the version of what the client holds. */
  readonly mark: number;
}

/** What a client shows that has no place: it was here before, and needs the state. */
export const noPlace = '';

/** What a client missed while it was away. */
export interface Missed {
  /** How far it had come. */
  readonly from: FeedPlace;
  readonly events: readonly FeedMessage[];
  /** Where to go on from. */
  readonly cursor: number;
}

/** A client that was here before. What it missed is undefined where it was away for too long: it needs the state anew. */
export interface Comeback {
  readonly missed: Missed | undefined;
}

/** What a client shows of an earlier connection, beside its credentials. */
interface Shown {
  readonly auth: Readonly<Record<string, unknown>>;
  /** True where the session of a stock client may be taken up again. */
  readonly isSessionKept: boolean;
}

interface Asked extends Shown {
  readonly namespace: string;
  readonly principal: UserPrincipal;
  readonly types: readonly FeedEventType[];
}

/** Tells how far clients have come, in their own hands, and what they missed when they come back. */
export interface Recovery {
  /** Seals a place for the client, who shows it when it comes back. It is good for that user and organization alone. */
  seal(place: FeedPlace, of: { namespace: string; principal: UserPrincipal }): string;
  /** Undefined for a client that was not here before. */
  find(asked: Asked): Promise<Comeback | undefined>;
}

interface RecoveryOptions {
  feed: Pick<Feed, 'readAfter'>;
  cursors: Cursors;
  now: () => Date;
}

/** Who missed more than this reads the state sooner. */
const mostMissed = 500;
const mostSealed = 500;

export function createRecovery({ feed, cursors, now }: RecoveryOptions): Recovery {
  const listOf = (namespace: string, { organizationId, userId }: UserPrincipal) =>
    JSON.stringify(['socket', namespace, organizationId, userId]);

  /** A user's connections are served the same event within moments. */
  const sealed = new LRUCache<string, string>({ max: mostSealed });

  function open(offset: string, list: string): FeedPlace | undefined {
    try {
      const [cursor, mark] = cursors.open<[number, number]>(list, offset);
      return { cursor, mark };
    } catch (error) {
      // Of another user or organization, or of an installation with other secrets.
      if (error instanceof AppError) return undefined;
      throw error;
    }
  }

  async function readMissed(from: FeedPlace, { principal, types }: Asked): Promise<Missed | undefined> {
    const { organizationId, userId } = principal;
    const query = { after: from.cursor, types, limit: mostMissed };
    const { events, cursor, isGone } = await feed.readAfter(organizationId, { userId }, query);
    const [first] = events;
    const isTooOld = first !== undefined && now().getTime() - Date.parse(first.created_at) > longestAwayMs;
    return isGone || isTooOld || events.length === mostMissed ? undefined : { from, events, cursor };
  }

  return {
    seal: ({ cursor, mark }, { namespace, principal }) => {
      const list = listOf(namespace, principal);
      const key = `${list}${cursor}/${mark}`;
      const known = sealed.get(key) ?? cursors.seal(list, [cursor, mark]);
      sealed.set(key, known);
      return known;
    },
    find: async (asked) => {
      const offset = readOffset(asked);
      if (offset === undefined) return undefined;
      const from = open(offset, listOf(asked.namespace, asked.principal));
      return { missed: from && (await readMissed(from, asked)) };
    },
  };
}

/** Stock clients send `pid` and `offset` by themselves; others send as `cursor` what came last beside an event. */
function readOffset({ auth: { pid, offset, cursor }, isSessionKept }: Shown): string | undefined {
  if (typeof pid === 'string' && typeof offset === 'string') return isSessionKept ? offset : noPlace;
  if (typeof cursor === 'string') return cursor;
  return typeof pid === 'string' ? noPlace : undefined;
}
