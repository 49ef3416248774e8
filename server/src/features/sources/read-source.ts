import type { ActivityBatch, Connector, ConnectorContext } from '#connectors/kit/connector.ts';
import { getOrganizationSettings, type OrganizationSettings } from '#features/organizations/index.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import { keepProgress, type SourceRow } from './sources.store.ts';

/** Takes what a source brought, in the transaction that keeps how far it was read. */
export type RecordActivity = (
  tx: OrganizationTx,
  settings: OrganizationSettings,
  change: Pick<ActivityBatch, 'items' | 'removed'> & { sourceId: string; readNumber: number; removesNotMet: boolean },
) => Promise<void>;

interface ReadSource {
  source: SourceRow;
  // biome-ignore lint/suspicious/noExplicitAny: settings are checked by the connector's own schema when they are stored.
  connector: Connector<any>;
  context: ConnectorContext;
  inOrganization: <T>(work: (tx: OrganizationTx) => Promise<T>) => Promise<T>;
  recordActivity: RecordActivity;
}

/**
 * Reads a source from where it was left: each batch and its cursor in one transaction, so that a read that is cut off
 * goes on where it was. Answers how many items were met and removed.
 */
export async function readSource({ source, connector, context, inOrganization, recordActivity }: ReadSource) {
  let readNumber = source.read_number;
  let items = 0;
  let removed = 0;
  let isKept = false;
  for await (const batch of connector.read(source.settings, source.cursor ?? undefined, context)) {
    if (batch.replacesAll) readNumber += 1;
    await inOrganization(async (tx) => {
      const settings = await getOrganizationSettings(tx);
      const removesNotMet = batch.complete === true;
      const batchItems = batch.items.map((item) => notInFuture(item, context.now()));
      const change = { ...batch, items: batchItems, sourceId: source.id, readNumber, removesNotMet };
      await recordActivity(tx, settings, change);
      await keepProgress(tx, source.id, { cursor: batch.cursor, readNumber, now: context.now() });
    });
    isKept = true;
    items += batch.items.length;
    removed += batch.removed.length;
  }
  // A source that can be read again, and has nothing new, brings no batch that would say so.
  if (!isKept && source.problem !== null) {
    await inOrganization((tx) => keepProgress(tx, source.id, { readNumber, now: context.now() }));
  }
  return { items, removed };
}

/** What a source dates in the future, by a clock that is wrong, counts as of when it was read. */
function notInFuture(item: ActivityBatch['items'][number], now: Date): ActivityBatch['items'][number] {
  const cut = (time: string) => (Date.parse(time) > now.getTime() ? now.toISOString() : time);
  return {
    ...item,
    occurred_at: cut(item.occurred_at),
    resolved_at: item.resolved_at === null ? null : cut(item.resolved_at),
  };
}
