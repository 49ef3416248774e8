import type { listAuditEntries } from '@almanac/contract/audit.ts';
import type { EndpointAnswer, EndpointInput } from '@almanac/contract/endpoint.ts';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { Scopes } from '#platform/db/scopes.ts';
import { type Cursors, toPage } from '#platform/http/cursor.ts';
import { type EntryFilter, type EntryRow, listEntries, readNames } from './audit.views.ts';
import { readFilter } from './read-filter.ts';
import { recordAudit } from './record-audit.ts';

type Query = EndpointInput<typeof listAuditEntries>['query'];
type EntryPage = EndpointAnswer<typeof listAuditEntries>;

export interface AuditServiceNeeds {
  scopes: Pick<Scopes, 'inOrganization' | 'inInstance'>;
  cursors: Cursors;
  now: () => Date;
}

/** The use cases of the audit log. */
export interface AuditService {
  /** A page of the organization's entries. That it was read is entered too. */
  list(principal: UserPrincipal, query: Query): Promise<EntryPage>;
}

export function createAuditService({ scopes, cursors, now }: AuditServiceNeeds): AuditService {
  return {
    list: async (principal, query) => {
      const { limit = 100, cursor } = query;
      const filter = readFilter(query);
      const list = JSON.stringify(['audit.list', principal.organizationId, filter]);
      const after = cursor === undefined ? undefined : cursors.open<[string, string]>(list, cursor);
      const rows = await scopes.inOrganization(principal, async (tx) => {
        const found = await listEntries(tx, { ...filter, after, limit: limit + 1 });
        await recordAudit(tx, { action: 'audit.list', at: now(), ...describeReading(filter) });
        return found;
      });
      const { items, next_cursor } = toPage(rows, limit, ({ position, id }) => cursors.seal(list, [position, id]));
      const actors = new Set(items.flatMap(({ actor_id }) => actor_id ?? []));
      // Requests cannot read accounts: the names come from a transaction that can.
      const names = actors.size === 0 ? new Map() : await scopes.inInstance((tx) => readNames(tx, [...actors]));
      return { items: items.map((row) => presentEntry(row, names)), next_cursor };
    },
  };
}

/** Whose entries were read stands in the target, where an erased account is taken out of it. */
function describeReading({ actor, action, from, to }: EntryFilter) {
  const asked = { action, from: from?.toISOString(), to: to?.toISOString() };
  const details = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  return actor === undefined ? { details } : { details, target: `user:${actor}` };
}

function presentEntry(row: EntryRow, names: ReadonlyMap<string, string>): EntryPage['items'][number] {
  const { id, at, actor_kind, actor_id, api_key_id, action, target, details, address, request_id } = row;
  const name = actor_id === null ? null : (names.get(actor_id) ?? null);
  const actor = { kind: actor_kind, id: actor_id, name, api_key_id };
  return { id, at: at.toISOString(), actor, action, target, details, address, request_id };
}
