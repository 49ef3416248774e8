import type { OrganizationSettings } from '#features/organizations/index.ts';
import { putSource } from '#features/sources/index.ts';
import { shiftWeek, type Week } from '#kernel/weeks.ts';
import type { OrganizationTx } from '#platform/db/scopes.ts';
import { demoItemsUntil, generateDemoItems } from './demo-items.ts';
import { type ItemsWritten, putItems } from './weekly.store.ts';

/** How many weeks a new demo shows, the running one among them. */
const weeksShown = 10;
/** Reviews are resolved at most nine days later, so no week before these can still change. */
const weeksThatChange = 3;

interface AddDemoItems {
  settings: OrganizationSettings;
  current: Week;
  now: Date;
}

/** Writes the demo's items that are due by now: all its weeks the first time, then only those that can still change. */
export async function addDemoItems(
  tx: OrganizationTx,
  { settings, current, now }: AddDemoItems,
): Promise<ItemsWritten> {
  const sourceId = await putSource(tx, { kind: 'demo', name: 'Demo generator', settings: { seed: settings.slug } });
  const known = await tx.db
    .selectFrom('activity_items')
    .select('id')
    .where('organization_id', '=', tx.organizationId)
    .where('source_id', '=', sourceId)
    .limit(1)
    .executeTakeFirst();
  const count = known ? weeksThatChange : weeksShown;
  const items = Array.from({ length: count }, (_, n) => shiftWeek(current, n + 1 - count)).flatMap((week) =>
    demoItemsUntil(generateDemoItems(week, settings.slug), now),
  );
  return putItems(tx, { sourceId, items, timezone: settings.timezone });
}
